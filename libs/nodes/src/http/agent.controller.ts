import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { isRefused } from '#kernel';
import { Config } from '#platform';
import { keyThumbprint, messages } from '#protocol';
import { HeartbeatWriter } from '../heartbeat.writer.js';
import { LEASE_DIRECTIVES, type LeaseDirectives } from '../lease-directives.port.js';
import { NodesCommands, certain } from '../nodes.commands.js';
import { NodesQueries } from '../nodes.queries.js';
import { AgentAuthenticator, type AgentHttpRequest, type AgentNode } from './agent.authenticator.js';
import { parseAgentBody, refusedError } from './agent.error.js';
import { AgentEndpoint, CallingNode } from './agent.guard.js';

const serverTime = (): string => new Date().toISOString();

/** The one endpoint that somebody calls who is not a node yet. */
@Controller('agent/v1')
export class AgentJoinController {
  constructor(
    private readonly authenticator: AgentAuthenticator,
    private readonly commands: NodesCommands,
    private readonly config: Config,
  ) {}

  @Post('join')
  @HttpCode(200)
  async join(@Req() request: AgentHttpRequest, @Body() body: unknown): Promise<messages.JoinResponse> {
    const message = parseAgentBody(messages.JoinRequest, body);
    const signed = await this.authenticator.authenticateKey(
      request,
      message.publicKey,
      keyThumbprint(message.publicKey),
    );
    if (isRefused(signed)) throw refusedError(signed);
    const joined = await this.commands.join(message);
    if (isRefused(joined)) throw refusedError(joined);
    return { ...joined, heartbeatMs: this.config.agent.heartbeatMs, serverTime: serverTime() };
  }
}

/** What a node says about itself. Lease work goes to whoever implements LEASE_DIRECTIVES. */
@AgentEndpoint()
@Controller('agent/v1')
export class AgentController {
  private directives: LeaseDirectives | null | undefined;

  constructor(
    private readonly writer: HeartbeatWriter,
    private readonly commands: NodesCommands,
    private readonly config: Config,
    private readonly modules: ModuleRef,
    private readonly nodes: NodesQueries,
  ) {}

  @Post('heartbeat')
  @HttpCode(200)
  async heartbeat(@CallingNode() node: AgentNode, @Body() body: unknown): Promise<messages.HeartbeatResponse> {
    const message = parseAgentBody(messages.HeartbeatRequest, body);
    const { state, desiredState } = await this.writer.submit({ nodeId: node.nodeId, message });
    // Read after the write, so that a lease granted meanwhile is measured from a time that lies before its grant.
    const now = new Date();
    const mayWork = state !== 'quarantined' && state !== 'retired';
    const leases = mayWork
      ? ((await this.leaseDirectives()?.onHeartbeat(node.nodeId, message.leases, now, message)) ?? [])
      : [];
    const isChallenged = state === 'attesting' || state === 'benchmarking';
    const challenges = isChallenged ? await this.nodes.challengesWaitingFor(node.nodeId) : [];
    return { serverTime: serverTime(), heartbeatMs: this.config.agent.heartbeatMs, desiredState, leases, challenges };
  }

  @Post('drain')
  @HttpCode(200)
  async drain(@CallingNode() node: AgentNode, @Body() body: unknown): Promise<messages.Acknowledged> {
    parseAgentBody(messages.DrainRequest, body);
    certain(await this.commands.draining(node.nodeId));
    return { serverTime: serverTime() };
  }

  @Post('leave')
  @HttpCode(200)
  async leave(@CallingNode() node: AgentNode, @Body() body: unknown): Promise<messages.Acknowledged> {
    const { retire } = parseAgentBody(messages.LeaveRequest, body);
    certain(await this.commands.leave(node.nodeId, retire));
    return { serverTime: serverTime() };
  }

  /** Found in the whole application, because the room that implements it stands above this one. */
  private leaseDirectives(): LeaseDirectives | null {
    if (this.directives === undefined) {
      try {
        this.directives = this.modules.get<LeaseDirectives>(LEASE_DIRECTIVES, { strict: false });
      } catch {
        this.directives = null;
      }
    }
    return this.directives;
  }
}
