import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

// Repository policy as a test: what review would have to say again and again.

const ROOT = join(import.meta.dirname, '..');
const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n').filter(Boolean);
const sources = files.filter((file) => /^(apps|libs|tools|tests|workloads)\/.*\.(ts|tsx|mjs|py)$/.test(file));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const MAX_LINES = 400;
/** Files that may be longer, each with its reason. */
const LONG: Record<string, string> = {};

/** A released migration never changes: the digest of its SQL stands here from the release on. */
const RELEASED_MIGRATIONS: Record<string, string> = {};

describe('the repository', () => {
  it('has no folder or file that says nothing about what is in it', () => {
    const vague = files.filter((file) => /(^|\/)(utils?|helpers?|common|shared|misc|base)(\.\w+)*(\/|$)/i.test(file));
    expect(vague).toEqual([]);
  });

  it('has no source file over 400 lines', () => {
    const long = sources.filter(
      (file) => !(file in LONG) && existsSync(join(ROOT, file)) && read(file).split('\n').length > MAX_LINES,
    );
    expect(long).toEqual([]);
  });

  it('leaves no work for later in the code', () => {
    const marks = ['TO' + 'DO', 'FIX' + 'ME', 'not ' + 'implemented'];
    const found = sources.filter(
      (file) => existsSync(join(ROOT, file)) && marks.some((mark) => new RegExp(`\\b${mark}\\b`).test(read(file))),
    );
    expect(found).toEqual([]);
  });

  it('focuses no test and skips none without a reason', () => {
    const focused = sources.filter(
      (file) => /\.spec\.tsx?$/.test(file) && /\b(it|describe|test)\.only\(/.test(read(file)),
    );
    expect(focused).toEqual([]);
    const skipped = sources.filter(
      (file) => /\.spec\.tsx?$/.test(file) && /\b(it|describe|test)\.skip\(/.test(read(file)),
    );
    expect(skipped).toEqual([]);
  });

  it('gives every suppression a reason', () => {
    const bare = sources.filter((file) =>
      read(file)
        .split('\n')
        .some(
          (line) =>
            /(oxlint|eslint)-disable|@ts-(ignore|expect-error)/.test(line) &&
            !/--\s+\S|@ts-expect-error\s+\S/.test(line),
        ),
    );
    expect(bare.filter((file) => file !== 'tests/tidy.spec.ts')).toEqual([]);
  });

  it('has a README in every room', () => {
    const rooms = readdirSync(join(ROOT, 'libs')).filter((room) => room !== 'testkit');
    expect(rooms.filter((room) => !existsSync(join(ROOT, 'libs', room, 'README.md')))).toEqual([]);
  });

  it('keeps each room behind a door of few names', () => {
    const MAX_NAMES = 24;
    const wide = readdirSync(join(ROOT, 'libs'))
      .filter((room) => room !== 'platform')
      .filter((room) => {
        const index = join(ROOT, 'libs', room, 'src', 'index.ts');
        if (!existsSync(index)) return false;
        const names = [...readFileSync(index, 'utf8').matchAll(/export (?:type )?\{([^}]*)\}/g)]
          .flatMap(([, list]) => (list ?? '').split(','))
          .filter((name) => name.trim() !== '' && !name.trim().startsWith('type '));
        return names.length > MAX_NAMES;
      });
    expect(wide).toEqual([]);
  });

  it('numbers its migrations without gaps, says why each is there, and freezes the released ones', () => {
    const folders = readdirSync(join(ROOT, 'migrations'))
      .filter((name) => /^\d{4}-/.test(name))
      .sort();
    expect(folders.map((name) => Number(name.slice(0, 4)))).toEqual(folders.map((_, index) => index + 1));
    for (const folder of folders) {
      expect(existsSync(join(ROOT, 'migrations', folder, 'notes.md')), folder).toBe(true);
      const sql = readFileSync(join(ROOT, 'migrations', folder, 'up.sql'));
      const frozen = RELEASED_MIGRATIONS[folder];
      if (frozen) expect(createHash('sha256').update(sql).digest('hex'), folder).toBe(frozen);
    }
  });

  it('carries no reference data of other projects', () => {
    expect(files.filter((file) => /fixtures3|openb_|\.trace\.gz|recorded-.*\.yml$/.test(file))).toEqual([]);
  });
});
