// `npm run schema`: prints the GraphQL schema from the built code; `-- --check` compares instead.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, install, pinnedNode, root } from './prepare.mjs';

install();
build();
const script = join(root, 'dist', 'apps', 'api', 'src', 'print-schema.js');
process.exit(spawnSync(pinnedNode(), [script, ...process.argv.slice(2)], { stdio: 'inherit', cwd: root }).status ?? 1);
