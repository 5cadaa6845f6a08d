/** What `npm run bench` starts: makes Node read TypeScript, then leaves everything to main.ts. */
import { register } from 'tsx/esm/api';

register();
const { runBench } = await import('./main.ts');
process.exitCode = await runBench(process.argv.slice(2));
