import { HttpException } from '@nestjs/common';
import type { z } from 'zod';
import type { Refusal, Refused } from '#kernel';
import type { messages } from '#protocol';
import { httpStatus, refuseNode } from '../nodes.refusal.js';

/** The exception that answers an agent with the protocol's error body. `serverTime` lets it correct its clock. */
export function agentError(status: number, refusal: Refusal): HttpException {
  const { code, message, hint, detail } = refusal;
  const body: messages.ErrorBody = {
    error: {
      code,
      message,
      ...(hint ? { hint } : {}),
      ...(detail ? { detail } : {}),
      serverTime: new Date().toISOString(),
    },
  };
  return new HttpException(body, status);
}

/** The same for a refusal of this room. */
export const refusedError = (refused: Refused): HttpException =>
  agentError(httpStatus(refused.first.code), refused.first);

/** The parsed message, or a 422 that names the field. */
export function parseAgentBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refusedError(
    refuseNode('AGENT_BODY_INVALID', `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not valid'}`),
  );
}
