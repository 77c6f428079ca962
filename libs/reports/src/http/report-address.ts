import { type Format, isFormat } from '../render/renderings.js';

/** Where a version of a report is, for ever. */
export function versionPath(slug: string, version: number, format?: Format): string {
  return `/reports/${slug}/v/${version}${format ? `.${format}` : ''}`;
}

export function latestPath(slug: string, format?: Format): string {
  return `/reports/${slug}${format ? `.${format}` : ''}`;
}

/** `name.json` -> name and format; a name without a known ending has none. */
export function splitSuffix(name: string): { readonly stem: string; readonly format?: Format } {
  const dot = name.lastIndexOf('.');
  const ending = name.slice(dot + 1);
  return dot > 0 && isFormat(ending) ? { stem: name.slice(0, dot), format: ending } : { stem: name };
}
