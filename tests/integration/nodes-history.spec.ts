import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { NodesCommands, nodesInvariants } from '#nodes';
import { nodeEdges } from '../../libs/nodes/src/domain/node.machine.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { type NodesApp, beat, insertContributor, joinNode, startNodesApp } from './nodes-app.js';

let db: TestDatabase;
let nodes: NodesApp;
let owner: { id: string; pseudonym: string };
beforeAll(async () => {
  db = await createTestDatabase();
  nodes = await startNodesApp(db);
  owner = await insertContributor(db);
});
afterAll(async () => {
  await nodes?.close();
  await db?.close();
});

const newNode = async () => {
  const made = await nodes.app.get(NodesCommands).createJoinToken(
    {
      kind: 'contributor',
      contributorId: owner.id,
      pseudonym: owner.pseudonym,
      displayName: 'Ada',
      scopes: 'all',
      platformRoles: new Set(),
    },
    {},
  );
  if (isRefused(made)) throw new Error(made.first.code);
  return joinNode(nodes.url, made.token);
};

describe('the history of nodes', () => {
  it('holds the same edges as the code', async () => {
    const rows: { from: string; to: string }[] = await db.dataSource.query(
      'SELECT from_state AS "from", to_state AS "to" FROM node_state_edge',
    );
    const text = (edges: { from: string; to: string }[]) => edges.map(({ from, to }) => `${from} ${to}`).sort();
    expect(text(rows)).toEqual(text(nodeEdges()));
  });

  it('refuses an edge that is not allowed, and a change of history', async () => {
    const node = await newNode();
    await beat(nodes.url, node);
    await expect(
      db.dataSource.query(`UPDATE node SET state = 'registered' WHERE id = $1`, [node.nodeId]),
    ).rejects.toThrow('node_event_from_state_to_state_fk');
    await expect(
      db.dataSource.query(`UPDATE node_event SET cause = 'x' WHERE node_id = $1`, [node.nodeId]),
    ).rejects.toThrow('append-only');
  });

  it('keeps a history that can be checked, and shows a row that was forged', async () => {
    const check = nodesInvariants[0]!;
    const whole = await db.uow.read((tx) => check.run(tx));
    expect(whole).toMatchObject({ ok: true, violations: [] });
    const node = await newNode();
    await beat(nodes.url, node);
    await db.dataSource.query('ALTER TABLE node_event DISABLE TRIGGER node_event_frozen_tr');
    await db.dataSource.query(`UPDATE node_event SET actor = 'somebody' WHERE node_id = $1`, [node.nodeId]);
    const forged = await db.uow.read((tx) => check.run(tx));
    expect(forged.violations).toEqual([`node ${node.nodeId}, event 1: its hash does not fit`]);
  });
});
