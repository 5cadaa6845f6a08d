/**
 * The metrics page: a registry of our own, filled anew at each scrape from one reading.
 *
 * The table of metrics is metrics-table.ts; where the values come from is metric-samples.ts.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { type MetricName, metricRows } from './metrics-table.ts';

/** One value of one series. */
export interface Sample {
  readonly name: MetricName;
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

/** `read` is called once a scrape. Counters are given as they stand, since the engine counts them itself. */
export function createMetrics(read: () => Iterable<Sample>): () => Promise<MetricsPage> {
  const registry = new Registry();
  const metrics = new Map<string, Counter | Gauge>();
  for (const [name, { type, help, labels }] of Object.entries(metricRows)) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    metrics.set(name, type === 'counter' ? new Counter(options) : new Gauge(options));
  }
  return async () => {
    registry.resetMetrics();
    for (const { name, value, labels = {} } of read()) metrics.get(name)?.inc({ ...labels }, value);
    return { contentType: registry.contentType, text: await registry.metrics() };
  };
}
