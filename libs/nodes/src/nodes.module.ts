import { Module } from '@nestjs/common';
import { ChallengeController } from './challenges/challenge.controller.js';
import { NodeChallengeClock } from './challenges/challenge.clock.js';
import { ChallengesCommands } from './challenges/challenges.commands.js';
import { Fleet } from './fleet.js';
import { GpuNodeLookup, NodeResolver } from './graphql/node.resolver.js';
import { NodeChallengeResolver } from './graphql/node-challenge.resolver.js';
import { HeartbeatWriter } from './heartbeat.writer.js';
import { AgentAuthenticator } from './http/agent.authenticator.js';
import { AgentController, AgentJoinController } from './http/agent.controller.js';
import { AgentGuard } from './http/agent.guard.js';
import { NodeLivenessClock } from './jobs/liveness.clock.js';
import { NodesCommands } from './nodes.commands.js';
import { NodesQueries } from './nodes.queries.js';

/** Donated machines: who they are, whether they are there. */
@Module({
  controllers: [AgentJoinController, AgentController, ChallengeController],
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
    ChallengesCommands,
    NodeChallengeClock,
    NodeChallengeResolver,
  ],
  exports: [AgentAuthenticator, AgentGuard, Fleet, NodesCommands, NodesQueries],
})
export class NodesModule {}
