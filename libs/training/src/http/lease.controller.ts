import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { isRefused, isUuid } from '#kernel';
import { AgentEndpoint, type AgentNode, CallingNode, agentError, parseAgentBody } from '#nodes';
import { UnitOfWork } from '#platform';
import { messages } from '#protocol';
import { appendLog, appendMetrics } from '../store/progress.store.js';
import { type TrainingCode, refuseTraining, trainingStatus } from '../training.refusal.js';

/** The exception that answers an agent with a refusal of this room. */
const refusal = (code: TrainingCode) => agentError(trainingStatus(code), refuseTraining(code).first);

/** What a node tells about its lease while the workload runs. Every call carries the lease's fencing token. */
@AgentEndpoint()
@Controller('agent/v1/leases')
export class LeaseController {
  constructor(private readonly uow: UnitOfWork) {}

  @Post(':leaseId/metrics')
  @HttpCode(200)
  async metrics(
    @CallingNode() node: AgentNode,
    @Param('leaseId') leaseId: string,
    @Body() body: unknown,
  ): Promise<messages.Acknowledged> {
    const { token, points } = parseAgentBody(messages.MetricsAppend, body);
    const written = isUuid(leaseId)
      ? await this.uow.run('training.metrics', (tx) =>
          appendMetrics(tx, { leaseId, nodeId: node.nodeId, token }, points),
        )
      : false;
    if (isRefused(written) || !written) throw refusal('LEASE_TOKEN_STALE');
    return { serverTime: new Date().toISOString() };
  }

  @Post(':leaseId/logs')
  @HttpCode(200)
  async logs(
    @CallingNode() node: AgentNode,
    @Param('leaseId') leaseId: string,
    @Body() body: unknown,
  ): Promise<messages.Acknowledged> {
    const piece = parseAgentBody(messages.LogAppend, body);
    const caller = { leaseId, nodeId: node.nodeId, token: piece.token };
    const written = isUuid(leaseId)
      ? await this.uow.run('training.log', (tx) => appendLog(tx, caller, piece))
      : ('stale' as const);
    if (isRefused(written) || written === 'stale') throw refusal('LEASE_TOKEN_STALE');
    if (written === 'full') throw refusal('LEASE_LOG_TOO_MUCH');
    return { serverTime: new Date().toISOString() };
  }
}
