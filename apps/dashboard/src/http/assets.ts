/** Which hashed files a page needs, read from the manifest that Vite writes. */
export type ClientManifest = Record<
  string,
  { file: string; imports?: string[]; isEntry?: boolean; src?: string; css?: string[] }
>;

export interface Assets {
  stylesheet: string;
  font: string | null;
  /** The script of an island, then everything it imports, so that the browser can fetch all of it at once. */
  island(name: string): string[];
  /** A hashed module to be imported when asked for, such as the report verifier. */
  module(source: string): string | null;
}

export function assetsOf(manifest: ClientManifest, assetBase: string): Assets {
  // The manifest names files from the root of the build, `assets/app-….css`; the API serves that folder at assetBase.
  const address = (file: string) => assetBase + file.replace(/^assets\//, '');
  const entry = (source: string) => {
    const found = manifest[source];
    if (!found) throw new Error(`The client build has no ${source}; run node apps/dashboard/build.mjs.`);
    return found;
  };
  const font = Object.values(manifest).find(
    (chunk) => chunk.file.endsWith('.woff2') && chunk.file.includes('latin-wght'),
  );
  return {
    stylesheet: address(entry('src/styles/app.css').file),
    font: font ? address(font.file) : null,
    island(name) {
      const source = [`src/islands/${name}.entry.ts`, `src/islands/${name}.entry.tsx`].find((path) => manifest[path]);
      const files: string[] = [];
      const follow = (path: string) => {
        const chunk = entry(path);
        if (files.includes(address(chunk.file))) return;
        files.push(address(chunk.file));
        chunk.imports?.forEach(follow);
      };
      follow(source ?? `src/islands/${name}.entry.tsx`);
      return files;
    },
    module: (source) => (manifest[source] ? address(manifest[source].file) : null),
  };
}
