// `npm run chaos`: see tests/chaos/main-job.ts.
import { spawnSync } from 'node:child_process';
import { build, install, pinnedNode, root } from './prepare.mjs';

install();
build();
const { status } = spawnSync(pinnedNode(), ['tests/chaos/main-job.ts', ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: root,
});
process.exit(status ?? 1);
