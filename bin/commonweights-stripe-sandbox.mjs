#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// The sandbox alone, on the Node that the project pins where the machine's is too old for it.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const main = join(root, 'dist', 'libs', 'payments', 'src', 'sandbox', 'main.js');
if (!existsSync(main)) {
  process.stderr.write('The sandbox is not built yet; run "npm run build".\n');
  process.exit(1);
}
const pinned = join(root, 'node_modules', '.bin', 'node');
if (Number.parseInt(process.versions.node, 10) >= 24 || !existsSync(pinned)) {
  await import(pathToFileURL(main).href);
} else {
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}
