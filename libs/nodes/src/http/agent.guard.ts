import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UseGuards,
  applyDecorators,
  createParamDecorator,
} from '@nestjs/common';
import { isRefused } from '#kernel';
import { AgentAuthenticator, type AgentHttpRequest, type AgentNode } from './agent.authenticator.js';
import { refusedError } from './agent.error.js';

const CALLER = Symbol('agent-node');
type Carrying = AgentHttpRequest & { [CALLER]?: AgentNode };

@Injectable()
export class AgentGuard implements CanActivate {
  constructor(private readonly authenticator: AgentAuthenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Carrying>();
    const node = await this.authenticator.authenticate(request);
    if (isRefused(node)) throw refusedError(node);
    request[CALLER] = node;
    return true;
  }
}

/** Marks a controller or handler as one that only a node may call, by a signed request. Needs NodesModule imported. */
export const AgentEndpoint = (): ClassDecorator & MethodDecorator => applyDecorators(UseGuards(AgentGuard));

/** The calling node, in a handler of an {@link AgentEndpoint}. */
export const CallingNode = createParamDecorator((_: unknown, context: ExecutionContext): AgentNode => {
  const node = context.switchToHttp().getRequest<Carrying>()[CALLER];
  if (!node) throw new Error('CallingNode is used on a handler that is no AgentEndpoint');
  return node;
});
