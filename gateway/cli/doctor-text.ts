/** The doctor's report as text for people: findings, the worst first, then a line for each port. PURE. */
import type { DoctorReport, FindingRow, PortReport } from '#gateway/doctor/report';
import { safeText } from '#lib/safe-text';
import { textTable } from './text-table.ts';

export function doctorText(report: DoctorReport): string {
  const findings = report.findings.map(findingText).join('\n');
  const rows = report.servers.flatMap(({ server, ports }) => ports.map((port) => ({ server, port })));
  const worstFirst = rows.toSorted((a, b) => Number(a.port.isGood) - Number(b.port.isGood));
  const table = textTable(
    ['SERVER', 'PROTOCOL', 'PORT', 'STATE', 'TLS', 'CERTIFICATE', 'FROM'],
    worstFirst.map(({ server, port }) => portRow(server, port)),
  );
  return `${findings}${findings === '' ? '' : '\n'}${table}\n${summary(report)}\n`;
}

/**
 * FAULT    ex1 is ...
 *     why   ...
 *     mend  a line to paste
 */
function findingText({ severity, what, why, mend }: FindingRow): string {
  const lines = [
    `${severity.toUpperCase().padEnd(severityWidth)}${safe(what)}`,
    `${indent}why   ${safe(why)}`,
    ...mend.map((line, at) => `${indent}${at === 0 ? 'mend  ' : '      '}${safe(line)}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function portRow(server: string, port: PortReport): string[] {
  const { protocol, tls, tlsVersion, cipherSuite, certificate, localAddress, seenAddress } = port;
  const from = localAddress ?? '-';
  return [
    server,
    protocol,
    String(port.port),
    port.isGood
      ? `good, ${port.capabilities?.length ?? 0} capabilities in ${port.tookMs ?? 0}ms`
      : safeText(port.why, stateBytesMax),
    tlsVersion === null ? (tls === 'off' ? 'off' : '-') : `${tlsVersion} ${cipherSuite ?? ''}`,
    certificate === null ? '-' : `${certificate.daysLeft}d left, ${certificate.sha256.slice(0, 16)}`,
    seenAddress === null || seenAddress === from ? from : `${from}, seen as ${seenAddress}`,
  ];
}

function summary({ findings }: DoctorReport): string {
  const count = (wanted: FindingRow['severity']): number =>
    findings.filter(({ severity }) => severity === wanted).length;
  const parts = (['fault', 'warning', 'hint'] as const).map((severity) => {
    const number = count(severity);
    return `${number} ${severity}${number === 1 ? '' : 's'}`;
  });
  return count('fault') + count('warning') === 0 ? `nothing is wrong (${parts.at(-1)})` : parts.join(', ');
}

/** Servers choose some of the words. */
function safe(text: string): string {
  return safeText(text, lineBytesMax);
}

const severityWidth = 'WARNING  '.length;
const indent = ' '.repeat(severityWidth);
const lineBytesMax = 1_024;
/** Its finding has the rest. */
const stateBytesMax = 60;
