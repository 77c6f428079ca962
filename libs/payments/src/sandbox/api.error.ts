/** The error body of the Stripe API. Source: Stripe API reference, "Errors". */
export interface ApiErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  decline_code?: string;
  advice_code?: string;
  network_decline_code?: string;
  param?: string;
  charge?: string;
  doc_url?: string;
  payment_intent?: unknown;
  payment_method?: unknown;
  setup_intent?: unknown;
  request_log_url?: string;
}

/**
 * An answer of the API that is not a success. `keepsChanges` marks the one kind of failure that is itself a
 * state change: a declined card leaves a failed charge and a payment intent behind.
 */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ApiErrorBody,
    readonly keepsChanges = false,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
    if (body.code !== undefined) body.doc_url ??= docUrl(body.code);
  }
}

function docUrl(code: string): string {
  return `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;
}

export function invalidRequest(
  message: string,
  extra: { code?: string; param?: string; status?: number } = {},
): ApiError {
  const { status = 400, ...fields } = extra;
  return new ApiError(status, { type: 'invalid_request_error', message, ...fields });
}

export function resourceMissing(noun: string, id: string, param = 'id'): ApiError {
  return invalidRequest(`No such ${noun}: '${id}'`, { status: 404, code: 'resource_missing', param });
}

export function parameterMissing(param: string): ApiError {
  return invalidRequest(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
}
