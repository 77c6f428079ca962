import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { type Outcome, type Refused, isRefused, isUuid } from '#kernel';
import { AgentEndpoint, type AgentNode, CallingNode, agentError, parseAgentBody } from '#nodes';
import { FileStore } from '#platform';
import { messages } from '#protocol';
import { Checkpoints } from '../checkpoints.js';
import { CheckpointQueries } from '../checkpoint.queries.js';
import { provenanceStatus, refuseCheckpoint } from '../provenance.refusal.js';
import { sendFile } from './file.answer.js';

/** The value, or the exception that answers with the refusal. */
function certain<T>(outcome: Outcome<T>): T {
  if (isRefused(outcome)) throw errorOf(outcome);
  return outcome;
}
const errorOf = (refused: Refused) => agentError(provenanceStatus(refused.first.code), refused.first);

/** The path of a wildcard route. Express gives decoded segments; a separator inside one is part of no declared path. */
export const wildcard = (path: string | string[]): string => (Array.isArray(path) ? path.join('/') : path);

/** Checkpoints as agents make and fetch them. Every write carries the lease's fencing token. */
@AgentEndpoint()
@Controller('agent/v1')
export class AgentCheckpointController {
  constructor(
    private readonly checkpoints: Checkpoints,
    private readonly queries: CheckpointQueries,
    private readonly store: FileStore,
  ) {}

  @Post('leases/:leaseId/checkpoints')
  @HttpCode(200)
  async declare(
    @CallingNode() node: AgentNode,
    @Param('leaseId') leaseId: string,
    @Body() body: unknown,
  ): Promise<messages.CheckpointDeclared> {
    const message = parseAgentBody(messages.CheckpointDeclare, body);
    if (!isUuid(leaseId)) throw errorOf(refuseCheckpoint('LEASE_TOKEN_STALE'));
    return certain(await this.checkpoints.declare({ leaseId, nodeId: node.nodeId, token: message.token }, message));
  }

  @Put('checkpoints/:id/files/*path')
  @HttpCode(200)
  async upload(
    @CallingNode() node: AgentNode,
    @Param('id') id: string,
    @Param('path') path: string | string[],
    @Query('token') token: unknown,
    @Req() request: Request,
  ): Promise<messages.Acknowledged> {
    if (!isUuid(id)) throw errorOf(refuseCheckpoint('CHECKPOINT_NOT_FOUND'));
    const caller = {
      nodeId: node.nodeId,
      token: typeof token === 'string' && /^\d{1,15}$/.test(token) ? Number(token) : 0,
    };
    const length = request.headers['content-length'];
    const upload = {
      body: request,
      sha256: node.bodySha256,
      contentLength: length === undefined ? undefined : Number(length),
    };
    certain(await this.checkpoints.upload(caller, id, wildcard(path), upload));
    return { serverTime: new Date().toISOString() };
  }

  @Post('checkpoints/:id/complete')
  @HttpCode(200)
  async complete(
    @CallingNode() node: AgentNode,
    @Param('id') id: string,
    @Body() body: unknown,
  ): Promise<messages.Acknowledged> {
    const { token } = parseAgentBody(messages.CheckpointComplete, body);
    if (!isUuid(id)) throw errorOf(refuseCheckpoint('CHECKPOINT_NOT_FOUND'));
    certain(await this.checkpoints.complete({ nodeId: node.nodeId, token }, id));
    return { serverTime: new Date().toISOString() };
  }

  @Get('checkpoints/:id/files/*path')
  async download(
    @Param('id') id: string,
    @Param('path') path: string | string[],
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { checkpoint, file } = certain(await this.queries.publicFile(id, wildcard(path)));
    await sendFile(request, response, this.store, checkpoint, file);
  }
}

/** Files of promoted checkpoints, for anybody. */
@Controller('checkpoints')
export class PublicCheckpointController {
  constructor(
    private readonly queries: CheckpointQueries,
    private readonly store: FileStore,
  ) {}

  @Get(':id/files/*path')
  async download(
    @Param('id') id: string,
    @Param('path') path: string | string[],
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { checkpoint, file } = certain(await this.queries.publicFile(id, wildcard(path)));
    await sendFile(request, response, this.store, checkpoint, file);
  }
}
