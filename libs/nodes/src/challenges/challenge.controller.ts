import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import { isRefused } from '#kernel';
import { messages } from '#protocol';
import type { AgentNode } from '../http/agent.authenticator.js';
import { parseAgentBody, refusedError } from '../http/agent.error.js';
import { AgentEndpoint, CallingNode } from '../http/agent.guard.js';
import { ChallengesCommands } from './challenges.commands.js';

/** Where a node answers the challenges that its heartbeats tell it of. */
@AgentEndpoint()
@Controller('agent/v1/challenges')
export class ChallengeController {
  constructor(private readonly commands: ChallengesCommands) {}

  @Post(':id/start')
  @HttpCode(200)
  async start(
    @CallingNode() node: AgentNode,
    @Param('id', ParseUUIDPipe) id: string,
    @Body() body: unknown,
  ): Promise<messages.ChallengeStarted> {
    parseAgentBody(messages.ChallengeStart, body);
    const started = await this.commands.start(node.nodeId, id);
    if (isRefused(started)) throw refusedError(started);
    return started;
  }

  @Post(':id/commitment')
  @HttpCode(200)
  async commit(
    @CallingNode() node: AgentNode,
    @Param('id', ParseUUIDPipe) id: string,
    @Body() body: unknown,
  ): Promise<messages.ChallengeReveal> {
    const { commitment } = parseAgentBody(messages.ChallengeCommitment, body);
    const revealed = await this.commands.commit(node.nodeId, id, Buffer.from(commitment, 'hex'));
    if (isRefused(revealed)) throw refusedError(revealed);
    return revealed;
  }

  @Post(':id/opening')
  @HttpCode(200)
  async open(
    @CallingNode() node: AgentNode,
    @Param('id', ParseUUIDPipe) id: string,
    @Body() body: unknown,
  ): Promise<messages.Acknowledged> {
    const { opening } = parseAgentBody(messages.ChallengeOpening, body);
    const opened = await this.commands.open(node.nodeId, id, opening);
    if (isRefused(opened)) throw refusedError(opened);
    return { serverTime: new Date().toISOString() };
  }
}
