/** This machine's addresses that servers are dialled from. */
import { isIPv6 } from 'node:net';
import type { Part } from './part.ts';
import type { ServerSettings } from './settings.ts';

/** Each must be here, and one at least of each family that servers have. */
export function sourceAddresses(
  { values, surroundings, problems }: Part,
  servers: readonly ServerSettings[],
): readonly string[] {
  const setting = 'POSTERN_SOURCE_ADDRESSES';
  const addresses = values.list(setting);
  for (const address of addresses.filter((each) => !surroundings.hasAddress(each))) {
    problems.push({
      setting,
      problem: `has ${address}, which this machine does not have`,
      mend: 'give the address to a network interface first, or leave it out',
    });
  }
  for (const [isIt, family] of families) {
    const server = servers.find(({ address }) => address !== '' && isIt(address));
    if (addresses.length === 0 || server === undefined || addresses.some(isIt)) continue;
    problems.push({
      setting,
      problem: `has no ${family} address, and ${server.id} has one`,
      mend: `add one of this machine's ${family} addresses`,
    });
  }
  return addresses;
}

const families = [
  [(address: string) => !isIPv6(address), 'IPv4'],
  [isIPv6, 'IPv6'],
] as const;
