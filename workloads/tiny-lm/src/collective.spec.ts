import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Collective, type CollectiveOptions } from './collective.js';
import { Frame, Link } from './link.js';
import { randomStream } from './random.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const open: Collective[] = [];
afterEach(() => open.splice(0).forEach((collective) => collective.close()));

interface Seat {
  joined: Promise<Collective>;
  lost: Promise<string>;
}

function sit(masterPort: number, rank: number, worldSize: number, more: Partial<CollectiveOptions> = {}): Seat {
  let report: (reason: string) => void = () => {};
  const lost = new Promise<string>((resolve) => (report = resolve));
  const options: CollectiveOptions = {
    rank,
    worldSize,
    masterAddr: '127.0.0.1',
    masterPort,
    attempt: 'a',
    fingerprint: 'same',
    length: 1000,
    peerTimeoutMs: 1500,
    rendezvousTimeoutMs: 5000,
    onLost: report,
    ...more,
  };
  const joined = Collective.join(options);
  joined.then((collective) => open.push(collective)).catch(() => {});
  return { joined, lost };
}

async function gang(
  worldSize: number,
  more: Partial<CollectiveOptions> = {},
): Promise<(Seat & { collective: Collective })[]> {
  const port = await freePort();
  // The last rank comes first: nobody needs rank 0 to be there already.
  const seats = Array.from({ length: worldSize }, (_, i) => sit(port, worldSize - 1 - i, worldSize, more)).reverse();
  const collectives = await Promise.all(seats.map((seat) => seat.joined));
  return seats.map((seat, rank) => ({ ...seat, collective: collectives[rank]! }));
}

const nothing = { loss: 0, flop: 0, drain: false };

describe('the collective', () => {
  it.each([1, 2, 3, 5])('gives every one of %i ranks the same bits, added in the order of ranks', async (worldSize) => {
    const members = await gang(worldSize);
    const parts = members.map((_, rank) => Float32Array.from({ length: 1000 }, randomStream(rank, 9)));
    const expected = parts[0]!.slice();
    for (const part of parts.slice(1)) part.forEach((value, i) => (expected[i]! += value));
    for (const step of [1, 2, 3]) {
      const copies = parts.map((part) => part.slice());
      const totals = await Promise.all(
        members.map(({ collective }, rank) =>
          collective.allReduce(step, copies[rank]!, {
            loss: rank + 1,
            flop: 1e12 + rank,
            drain: rank === worldSize - 1,
          }),
        ),
      );
      for (const copy of copies) expect(copy).toEqual(expected);
      const ranks = (worldSize * (worldSize - 1)) / 2;
      for (const total of totals) {
        expect(total).toEqual({ loss: ranks + worldSize, flop: worldSize * 1e12 + ranks, drain: true });
      }
    }
    await Promise.all(members.map(({ collective }) => collective.finish()));
  });

  it('tells every rank, once and by name, whose connection closed', async () => {
    const members = await gang(3);
    const pending = members[2]!.collective.allReduce(1, new Float32Array(1000), nothing);
    pending.catch(() => {});
    members[1]!.collective.close();
    expect(await members[0]!.lost).toMatch(/^lost rank 1 /);
    expect(await members[2]!.lost).toMatch(/^lost rank 1 /);
    await expect(pending).rejects.toThrow('lost rank 1');
  });

  it('notices a rank that keeps its connection but falls silent', async () => {
    const port = await freePort();
    const zero = sit(port, 0, 2, { peerTimeoutMs: 400 });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => setTimeout(() => socket.connect(port, '127.0.0.1'), 20));
    const link = new Link(socket, 10_000);
    const hello = { rank: 1, worldSize: 2, fingerprint: 'same', attempt: 'a' };
    socket.on('connect', () => link.send(Frame.hello, Buffer.from(JSON.stringify(hello))));
    await zero.joined;
    expect(await zero.lost).toBe('lost rank 1 (silent for 400 ms)');
    link.destroy();
  });

  it('drops strangers and stragglers of another attempt, and still lets its own in', async () => {
    const port = await freePort();
    const zero = sit(port, 0, 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const stranger = connect(port, '127.0.0.1');
    stranger.on('error', () => {});
    stranger.write('GET / HTTP/1.1\r\n\r\n');
    const straggler = sit(port, 1, 2, { attempt: 'b' });
    await expect(straggler.joined).rejects.toThrow('lost rank 0');
    await new Promise((resolve) => (stranger.destroyed ? resolve(0) : stranger.once('close', resolve)));
    const one = sit(port, 1, 2);
    await Promise.all([zero.joined, one.joined]);
  });

  it('refuses to start with a rank that would compute something else', async () => {
    const port = await freePort();
    const zero = sit(port, 0, 2);
    const one = sit(port, 1, 2, { fingerprint: 'other' });
    await expect(zero.joined).rejects.toThrow('rank 1 has another configuration, text or checkpoint');
    await expect(one.joined).rejects.toThrow('rank 1 has another configuration');
  });

  it('says who did not come', async () => {
    const port = await freePort();
    const zero = sit(port, 0, 3, { rendezvousTimeoutMs: 400 });
    const one = sit(port, 1, 3, { rendezvousTimeoutMs: 700 });
    const late = expect(one.joined).rejects.toThrow(/lost rank 0|not all ranks joined/);
    await expect(zero.joined).rejects.toThrow('rank 2 did not join within 0.4 s');
    await late;
    const nobody = sit(await freePort(), 1, 2, { rendezvousTimeoutMs: 300 });
    await expect(nobody.joined).rejects.toThrow('not reachable');
  });
});
