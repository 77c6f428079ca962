import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INVARIANTS } from '../apps/invariants.js';

// Documents are held to the code: links, files, settings, metrics and checks that they name exist.

const ROOT = join(import.meta.dirname, '..');
const files: string[] = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const prose = (file: string): string => read(file).replace(/^```[\s\S]*?^```/gm, '');
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found ?? '');
const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

/** The anchor that GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (file: string): string[] => all(prose(file), /^#{1,6} (.+)$/gm).map(anchorOf);

describe('the documents', () => {
  const documents = files.filter((file) => file.endsWith('.md'));

  it('link only to what is there', () => {
    const broken = documents.flatMap((file) =>
      all(prose(file), /\]\(([^)\s]+)\)/g)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => {
          const [path = '', anchor] = target.split('#', 2);
          const linked = path === '' ? file : join(dirname(file), path);
          if (!existsSync(join(ROOT, linked))) return true;
          return anchor !== undefined && !anchors(linked).includes(anchor);
        })
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('name files of the repository that exist', () => {
    const named = /`((?:apps|libs|migrations|workloads|infra|tools|tests|bin|docs)\/[\w./-]+\.\w+)`/g;
    const guides = documents.filter((file) => /^(docs|infra)\/|^[A-Z]+\.md$/.test(file));
    const missing = guides.flatMap((file) =>
      all(read(file), named)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${file}: ${path}`),
    );
    expect(missing).toEqual([]);
    expect(all(read('docs/architecture.md'), named).length).toBeGreaterThan(60);
  });

  it('list every setting of the product and no other', () => {
    const schema = read('libs/platform/src/config.ts').split('.superRefine')[0] ?? '';
    const settings = unique(all(schema, /^ {4}([A-Z][A-Z_]+):/gm));
    const [section = ''] = read('docs/operations.md').split('## Production');
    expect(unique(all(section, /^\| `([A-Z][A-Z_]+)`/gm))).toEqual(settings);
  });

  it('list every metric of the product and no other', () => {
    const metrics = unique(all(read('libs/platform/src/metrics.ts'), /name: '(commonweights_\w+)'/g));
    const [, section = ''] = read('docs/operations.md').split('## Metrics');
    const [table = ''] = section.split('## Traces');
    expect(unique(all(table, /^\| `(commonweights_\w+)`/gm).filter((name) => !name.endsWith('_')))).toEqual(metrics);
  });

  it('name every check of the audit under its promise', () => {
    const [, section = ''] = read('docs/architecture.md').split('## What always holds');
    const [promises = ''] = section.split('\n## ');
    const named = promises
      .split(/^(?=\d\. )/m)
      .flatMap((promise) =>
        all(promise, /`([a-z]+\.[a-z_-]+)`/g).map((name) => ({ invariant: Number(promise[0]), name })),
      );
    const sorted = (checks: readonly { invariant: number; name: string }[]) =>
      checks.map(({ invariant, name }) => `${invariant} ${name}`).sort();
    expect(sorted(named)).toEqual(sorted(INVARIANTS));
  });

  it('name tests of bad input that exist and speak of the code', () => {
    const rows = [...read('docs/bad-input.md').matchAll(/^\| [^|]+ \| `(\w+)` +\| `(tests\/[^`]+)` "([^"]+)"/gm)];
    expect(rows.length).toBeGreaterThan(12);
    for (const [, code = '', file = '', title = ''] of rows) {
      const text = read(file);
      expect([file, title, text.includes(`'${title}'`) || text.includes(`"${title}"`)]).toEqual([file, title, true]);
      expect([file, code, text.includes(code)]).toEqual([file, code, true]);
    }
  });

  it('give every decision its place in the list', () => {
    const decisions = files.filter((file) => /^docs\/decisions\/\d{4}-/.test(file));
    expect(decisions.map((file) => Number(file.slice(15, 19)))).toEqual(decisions.map((_, index) => index + 1));
    for (const file of decisions) {
      expect(read('docs/decisions/README.md'), file).toContain(`(${file.slice(15)})`);
      for (const part of ['Context', 'Choice', 'Alternatives', 'Consequences']) {
        expect(read(file), file).toContain(`## ${part}`);
      }
    }
  });
});

describe('infra', () => {
  it('sets only settings that the product has', () => {
    const config = read('libs/platform/src/config.ts');
    const compose = read('infra/docker/compose.yaml');
    const [environment = ''] = compose.split('services:');
    const set = [
      ...all(environment, /^ {2}([A-Z][A-Z_]+):/gm),
      ...all(compose, /^ {6}((?!POSTGRES_)[A-Z][A-Z_]+):/gm),
      ...all(read('infra/docker/Dockerfile'), /[ V]([A-Z][A-Z_]+)=/g),
      ...files
        .filter((file) => /^infra\/systemd\/commonweights-(api|worker)/.test(file))
        .flatMap((file) => all(read(file), /^Environment=(.+)$/gm).flatMap((line) => all(line, /([A-Z_]+)=/g))),
    ];
    expect(set.length).toBeGreaterThan(15);
    expect(unique(set).filter((name) => !new RegExp(`^ {4}${name}:`, 'm').test(config))).toEqual([]);
  });

  it('runs programs that the build makes', () => {
    const named = [
      'docker/Dockerfile',
      'docker/compose.yaml',
      'systemd/commonweights-api.service',
      'systemd/commonweights-worker.service',
      'systemd/commonweights-agent.service',
    ].flatMap((file) => all(read(`infra/${file}`), /((?:dist|bin)\/[\w/-]+\.m?js)/g));
    expect(named.length).toBeGreaterThan(5);
    expect(unique(named).filter((path) => !existsSync(join(ROOT, path.replace(/^dist\/(.*)\.js$/, '$1.ts'))))).toEqual(
      [],
    );
  });

  it('watches only metrics that the product has', () => {
    const metrics = all(read('libs/platform/src/metrics.ts'), /name: '(commonweights_\w+)'/g);
    // The last two come with prom-client, under our prefix.
    const known = [
      ...metrics,
      'commonweights_process_resident_memory_bytes',
      'commonweights_nodejs_eventloop_lag_p99_seconds',
    ];
    const used = ['alerts.yaml', 'grafana-dashboard.json'].flatMap((file) =>
      all(read(`infra/observability/${file}`), /\b(commonweights_\w+)/g),
    );
    expect(used.length).toBeGreaterThan(15);
    expect(
      unique(used.map((name) => name.replace(/_(bucket|sum|count)$/, ''))).filter((n) => !known.includes(n)),
    ).toEqual([]);
    expect(JSON.parse(read('infra/observability/grafana-dashboard.json'))).toHaveProperty('panels');
  });
});
