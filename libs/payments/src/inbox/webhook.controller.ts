import { Controller, Post, type RawBodyRequest, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { isRefused } from '#kernel';
import { WebhookIntake } from './webhook.intake.js';

const BODY_BYTES_MAX = 1_000_000;

/** Where Stripe's events arrive. 200 after the commit; 400 with a reason for what is not an event of ours. */
@Controller('stripe')
export class WebhookController {
  constructor(private readonly intake: WebhookIntake) {}

  @Post('webhook')
  async receive(@Req() request: RawBodyRequest<Request>, @Res() response: Response): Promise<void> {
    const body = request.rawBody ?? (await readRaw(request));
    if (body === undefined) {
      response.status(413).json({ error: { code: 'STRIPE_EVENT_TOO_LARGE', message: 'An event is at most 1 MB.' } });
      return;
    }
    const outcome = await this.intake.receive(body, request.header('stripe-signature'));
    if (isRefused(outcome)) {
      const { code, message, hint } = outcome.first;
      response.status(400).json({ error: { code, message, hint } });
      return;
    }
    response.status(200).json({ received: true });
  }
}

/** The signature is over bytes, so the body must reach this point as it came: parsed is too late. */
async function readRaw(request: Request): Promise<Buffer | undefined> {
  if (request.readableEnded) {
    throw new Error('the webhook body was parsed; create the Nest application with { rawBody: true }');
  }
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
