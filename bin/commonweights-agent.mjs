#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// In this process, not in a child: signals that a service manager sends must reach the agent itself.
const main = new URL('../dist/apps/agent/src/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  process.stderr.write('The agent is not built yet; run "npm run build".\n');
  process.exit(1);
}
await import(main.href);
