import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { GqlContextType } from '@nestjs/graphql';
import { newId } from '#kernel';
import { LOGGER, type Logger } from '#platform';
import type { Request, Response } from 'express';
import { LIMITS } from '../graphql/limits.js';

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

const HINTS: Record<number, ErrorBody> = {
  400: { code: 'BAD_REQUEST', message: 'The request could not be read.', hint: 'Send well-formed JSON.' },
  404: {
    code: 'NOT_FOUND',
    message: 'There is nothing at this address.',
    hint: 'Check the path; the API is described at /graphql.',
  },
  405: { code: 'METHOD_NOT_ALLOWED', message: 'This address does not take this method.' },
  413: {
    code: 'PAYLOAD_TOO_LARGE',
    message: 'The request is too large.',
    hint: `GraphQL requests may have ${LIMITS.bodyBytes} bytes.`,
  },
  415: {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'The content type is not one this address takes.',
    hint: 'Send application/json.',
  },
};

/** One error shape for every layer: `{ error: { code, message, hint } }`, and GraphQL's own under /graphql. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    if (host.getType<GqlContextType>() === 'graphql') throw exception;
    const http = host.switchToHttp();
    const res = http.getResponse<Response>();
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const status = statusOf(exception);
    const body = this.bodyOf(exception, status);
    if (http.getRequest<Request>().path === '/graphql') {
      const { code, message, hint } = body;
      res.status(status).json({ errors: [{ message: hint ? `${message} ${hint}` : message, extensions: { code } }] });
    } else {
      res.status(status).json({ error: body });
    }
  }

  private bodyOf(exception: unknown, status: number): ErrorBody {
    if (exception instanceof HttpException) {
      const response = exception.getResponse();
      if (typeof response === 'object' && 'error' in response && typeof response.error === 'object') {
        return response.error as ErrorBody;
      }
      if (typeof response === 'object' && 'code' in response) return response as unknown as ErrorBody;
    }
    const known = HINTS[status];
    if (known) return known;
    if (status < 500) return { code: 'REFUSED', message: (exception as Error).message };
    const errorId = newId();
    this.logger.error({ err: exception, errorId }, 'unexpected error');
    return {
      code: 'INTERNAL_SERVER_ERROR',
      message: 'Something went wrong on our side.',
      hint: `If it lasts, report it with the id ${errorId}.`,
    };
  }
}

/** Nest's exceptions say their status; errors of the body parser carry one too. */
function statusOf(exception: unknown): number {
  if (exception instanceof HttpException) return exception.getStatus();
  const status = (exception as { status?: unknown }).status;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}
