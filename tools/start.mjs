// `npm start`: from a fresh clone to a running product. The rest is `commonweights up` (apps/cli).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, checkNode, install, pinnedNode, root } from './prepare.mjs';

checkNode();
install();
build();

const main = join(root, 'dist', 'apps', 'cli', 'src', 'main.js');
const child = spawn(pinnedNode(), [main, 'up', ...process.argv.slice(2)], { stdio: 'inherit', cwd: root });
// The terminal sends Ctrl-C to the child as well; a signal sent to this process alone is passed on.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
