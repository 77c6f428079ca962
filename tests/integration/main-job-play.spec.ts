import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Stage, playMainJob } from '../../apps/cli/src/demo/main-job.js';
import { Home } from '../../apps/cli/src/up/home.js';
import { Progress } from '../../apps/cli/src/up/progress.js';
import { type ApiStage, startApiStage } from '../contract/api.stage.js';

/** Hears what a person at the terminal would read. */
class Listener extends Progress {
  readonly lines: string[] = [];

  override line(text: string): void {
    this.lines.push(text);
  }
}

let api: ApiStage | undefined;
const folder = mkdtempSync(join(tmpdir(), 'commonweights-play-'));
afterEach(async () => {
  await api?.close();
  api = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function stageOf(url: string, signal = new AbortController().signal): Stage & { progress: Listener } {
  const home = new Home(folder);
  home.open();
  return {
    url,
    home,
    packageRoot: join(folder, 'nothing-here'),
    env: { STRIPE_API_BASE: 'http://127.0.0.1:9' },
    progress: new Listener(),
    signal,
    workload: undefined,
    onStop: () => undefined,
    onLaunch: () => undefined,
  };
}

describe('the main job, where it can not be played', () => {
  it('says in one line that nobody may sign in without proof', async () => {
    api = await startApiStage({ DEVELOPER_SIGN_IN: '0' });
    const stage = stageOf(api.url);
    expect(await playMainJob(stage)).toBe(false);
    expect(stage.progress.lines.filter((line) => line.includes('without proof'))).toHaveLength(1);
    expect(stage.progress.lines.join()).not.toMatch(/DEVELOPER_SIGN_IN_OFF|\bat \w+ \(/);
  });

  it('says in one line what broke, and writes the rest to its log', async () => {
    api = await startApiStage();
    const stage = stageOf(api.url);
    expect(await playMainJob(stage)).toBe(false);
    const [said = '', ...more] = stage.progress.lines.filter((line) => line.includes('broke off'));
    expect([more, said]).toEqual([[], expect.stringMatching(/ENOENT.*logs\/main-job\.log/)]);
    expect(said).not.toContain('\n');
    expect(readFileSync(join(folder, 'logs/main-job.log'), 'utf8')).toMatch(/ENOENT[^]*\n\s+at /);
  });

  it('ends with the platform when that is stopped, and says nothing of it', async () => {
    const stopped = AbortSignal.abort();
    const stage = stageOf('http://127.0.0.1:9', stopped);
    await expect(playMainJob(stage)).rejects.toBe(stopped.reason);
    expect(stage.progress.lines.join()).not.toContain('broke off');
  });
});
