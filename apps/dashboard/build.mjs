// Builds the dashboard: `node apps/dashboard/build.mjs`.
//   dist/dashboard/client/assets/*       hashed files, served for ever at /assets/*, with .br beside what compresses
//   dist/dashboard/client/.vite/manifest.json  which hashed file each source became (Vite's manifest format)
//   dist/dashboard/server/entry-server.js the pages, one self-contained module for the API to import
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build, defaultClientConditions } from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const out = join(root, 'dist/dashboard');

const islands = readdirSync(join(here, 'src/islands'))
  .filter((name) => name.endsWith('.entry.ts') || name.endsWith('.entry.tsx'))
  .map((name) => join(here, 'src/islands', name));

const verifier = [join(root, 'libs/reports/src/browser.ts')];

const settings = {
  root: here,
  configFile: false,
  logLevel: process.env.DASHBOARD_BUILD_LOG ?? 'warn',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
};

await build({
  ...settings,
  base: '/',
  // The report verifier is a library's browser entry. Pages import it by its hashed address when somebody asks for a check;
  // no source of the dashboard does.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    outDir: join(out, 'client'),
    emptyOutDir: true,
    manifest: true,
    target: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: false,
    cssCodeSplit: true,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: [...islands, join(here, 'src/styles/app.css'), ...verifier],
      preserveEntrySignatures: 'exports-only',
    },
  },
});

// The first page of a visit carries the stylesheet in itself, so the server has its text as well.
const clientManifest = JSON.parse(readFileSync(join(out, 'client/.vite/manifest.json'), 'utf8'));
const stylesheet = readFileSync(join(out, 'client', clientManifest['src/styles/app.css'].file), 'utf8').trim();
if (/<\/style/i.test(stylesheet)) throw new Error('The stylesheet would end its own element.');

await build({
  ...settings,
  define: { STYLESHEET_TEXT: JSON.stringify(stylesheet) },
  ssr: { noExternal: true },
  build: {
    outDir: join(out, 'server'),
    emptyOutDir: true,
    ssr: join(here, 'src/entry-server.tsx'),
    target: 'node22',
    minify: false,
    copyPublicDir: false,
    rolldownOptions: { output: { entryFileNames: 'entry-server.js', codeSplitting: false } },
  },
});

// Compressed once here at the highest level instead of at each request; the API sends NAME.br to browsers that take it.
for (const name of readdirSync(join(out, 'client/assets'))) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const file = join(out, 'client/assets', name);
  writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
}

if (process.argv.includes('--sizes')) {
  const manifest = JSON.parse(readFileSync(join(out, 'client/.vite/manifest.json'), 'utf8'));
  const weigh = (file) => brotliCompressSync(readFileSync(join(out, 'client', file))).length;
  for (const [source, chunk] of Object.entries(manifest)) {
    if (!chunk.isEntry) continue;
    const files = new Set([chunk.file]);
    const follow = (name) => {
      const next = manifest[name];
      if (!next || files.has(next.file)) return;
      files.add(next.file);
      (next.imports ?? []).forEach(follow);
    };
    (chunk.imports ?? []).forEach(follow);
    const bytes = [...files]
      .filter((file) => existsSync(join(out, 'client', file)))
      .reduce((sum, file) => sum + weigh(file), 0);
    console.log(`${source.padEnd(44)} ${String(bytes).padStart(7)} B brotli (${files.size} files)`);
  }
}
