import { Body, Controller, Get, HttpCode, Param, Post, Put, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { createHash } from 'node:crypto';
import { newId } from '#kernel';
import { AgentEndpoint, type AgentNode, CallingNode, type LeaseDirectives, agentError, parseAgentBody } from '#nodes';
import { messages } from '#protocol';

export interface ScriptedLease {
  leaseId: string;
  nodeId: string;
  token: number;
  want: messages.LeaseDirective['directive'];
  ttlMs: number;
  launch: Partial<messages.LaunchSpec>;
  /** Set to stop renewing: the expiry stays where it is. */
  frozenExpiry?: string;
  reports: messages.LeaseReport[];
  log: string;
  droppedBytes: number;
  points: messages.MetricPoint[];
  /** Leases that start together, by rank; itself among them. */
  gang: ScriptedLease[];
}

/** Gives leases as a test says: the port's other side in small, with the same fencing. */
export class LeaseScript implements LeaseDirectives {
  readonly leases = new Map<string, ScriptedLease>();
  readonly checkpoints = new Map<
    string,
    { declared: messages.CheckpointDeclare; files: Map<string, Buffer>; isComplete: boolean }
  >();
  readonly downloads = new Map<string, Buffer>();

  offer(nodeId: string, launch: Partial<messages.LaunchSpec>, ttlMs = 5_000): ScriptedLease {
    const lease: ScriptedLease = {
      leaseId: newId(),
      nodeId,
      token: 1,
      want: 'start',
      ttlMs,
      launch,
      reports: [],
      log: '',
      droppedBytes: 0,
      points: [],
      gang: [],
    };
    lease.gang = [lease];
    this.leases.set(lease.leaseId, lease);
    return lease;
  }

  /** One lease for each node, started when all are ready, at the port of the first. */
  offerGang(nodeIds: readonly string[], launch: Partial<messages.LaunchSpec>): ScriptedLease[] {
    const gang = nodeIds.map((nodeId) => this.offer(nodeId, launch));
    for (const lease of gang) lease.gang = gang;
    return gang;
  }

  onHeartbeat(nodeId: string, reports: readonly messages.LeaseReport[], now: Date): Promise<messages.LeaseDirective[]> {
    for (const report of reports) this.leases.get(report.leaseId)?.reports.push(report);
    const mine = [...this.leases.values()].filter((lease) => lease.nodeId === nodeId);
    return Promise.resolve(mine.map((lease) => this.directive(lease, now)));
  }

  check(leaseId: string, token: number): ScriptedLease {
    const lease = this.leases.get(leaseId);
    if (!lease || lease.token !== token)
      throw agentError(409, { code: 'LEASE_TOKEN_STALE', message: 'The lease has another token now.' });
    return lease;
  }

  private directive(lease: ScriptedLease, now: Date): messages.LeaseDirective {
    const { leaseId, token, reports } = lease;
    const expiresAt = lease.frozenExpiry ?? new Date(now.getTime() + lease.ttlMs).toISOString();
    const ready = lease.gang[0]?.reports.find((report) => report.rendezvousPort !== undefined);
    const isReady = reports.length > 0 && lease.gang.every((member) => member.reports.length > 0);
    if (lease.want !== 'start') return { leaseId, token, expiresAt, directive: lease.want };
    if (!ready || !isReady) return { leaseId, token, expiresAt, directive: 'prepare' };
    const launch: messages.LaunchSpec = {
      runId: lease.gang[0]?.leaseId ?? leaseId,
      attemptId: lease.gang[0]?.leaseId ?? leaseId,
      rank: lease.gang.indexOf(lease),
      worldSize: lease.gang.length,
      localWorldSize: 1,
      masterAddr: '127.0.0.1',
      masterPort: ready.rendezvousPort ?? 1,
      workload: 'scripted',
      driver: 'process',
      config: {},
      restore: null,
      checkpointEverySteps: 10,
      env: {},
      ...lease.launch,
    };
    return { leaseId, token, expiresAt, directive: 'start', launch };
  }
}

const acknowledged = (): messages.Acknowledged => ({ serverTime: new Date().toISOString() });

@AgentEndpoint()
@Controller('agent/v1')
export class LeaseScriptController {
  constructor(private readonly script: LeaseScript) {}

  @Post('leases/:id/logs')
  @HttpCode(200)
  logs(@Param('id') id: string, @Body() body: unknown): messages.Acknowledged {
    const { token, text, droppedBytes } = parseAgentBody(messages.LogAppend, body);
    const lease = this.script.check(id, token);
    lease.log += text;
    lease.droppedBytes += droppedBytes;
    return acknowledged();
  }

  @Post('leases/:id/metrics')
  @HttpCode(200)
  metrics(@Param('id') id: string, @Body() body: unknown): messages.Acknowledged {
    const { token, points } = parseAgentBody(messages.MetricsAppend, body);
    this.script.check(id, token).points.push(...points);
    return acknowledged();
  }

  @Post('leases/:id/checkpoints')
  @HttpCode(200)
  declare(@Param('id') id: string, @Body() body: unknown): messages.CheckpointDeclared {
    const declared = parseAgentBody(messages.CheckpointDeclare, body);
    this.script.check(id, declared.token);
    const checkpointId = newId();
    this.script.checkpoints.set(checkpointId, { declared, files: new Map(), isComplete: false });
    const uploads = declared.files.map(({ path }) => ({
      path,
      url: `/agent/v1/checkpoints/${checkpointId}/files/${path}`,
    }));
    return { checkpointId, uploads };
  }

  @Put('checkpoints/:id/files/*path')
  async upload(
    @Param('id') id: string,
    @Param('path') path: string[],
    @CallingNode() node: AgentNode,
    @Req() request: Request,
  ): Promise<messages.Acknowledged> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (node.bodyVerified || sha256 !== node.bodySha256)
      throw agentError(400, { code: 'CHECKPOINT_BYTES_MISMATCH', message: 'Other bytes than declared.' });
    this.script.checkpoints.get(id)?.files.set(path.join('/'), bytes);
    return acknowledged();
  }

  @Post('checkpoints/:id/complete')
  @HttpCode(200)
  complete(@Param('id') id: string): messages.Acknowledged {
    const checkpoint = this.script.checkpoints.get(id);
    if (checkpoint) checkpoint.isComplete = true;
    return acknowledged();
  }

  @Get('checkpoints/:id/files/*path')
  download(@Param('id') id: string, @Param('path') path: string[], @Res() response: Response): void {
    const bytes = this.script.downloads.get(`${id}/${path.join('/')}`);
    if (!bytes) throw agentError(404, { code: 'CHECKPOINT_NOT_FOUND', message: 'No such file.' });
    response.type('application/octet-stream').send(bytes);
  }
}
