import { Module } from '@nestjs/common';
import { Fleet } from './fleet.js';
import { GpuNodeLookup, NodeResolver } from './graphql/node.resolver.js';
import { HeartbeatWriter } from './heartbeat.writer.js';
import { AgentAuthenticator } from './http/agent.authenticator.js';
import { AgentController, AgentJoinController } from './http/agent.controller.js';
import { AgentGuard } from './http/agent.guard.js';
import { NodeLivenessClock } from './jobs/liveness.clock.js';
import { NodesCommands } from './nodes.commands.js';
import { NodesQueries } from './nodes.queries.js';

/** Donated machines: who they are, whether they are there. */
@Module({
  controllers: [AgentJoinController, AgentController],
  providers: [
    AgentAuthenticator,
    AgentGuard,
    Fleet,
    HeartbeatWriter,
    NodesCommands,
    NodesQueries,
    NodeResolver,
    GpuNodeLookup,
    NodeLivenessClock,
  ],
  exports: [AgentAuthenticator, AgentGuard, Fleet, NodesCommands, NodesQueries],
})
export class NodesModule {}
