/** Stripe's own Payment Element, for real keys: the card fields live in Stripe's frame and we never see them. */
interface StripeElements {
  create(
    kind: 'payment',
    options?: object,
  ): { mount(target: HTMLElement): void; on(event: string, handler: () => void): void };
  submit(): Promise<{ error?: { message?: string } }>;
}
interface Intent {
  status: string;
  next_action?: { verify_with_microdeposits?: { hosted_verification_url?: string } } | null;
}
interface StripeClient {
  elements(options: object): StripeElements;
  confirmSetup(options: object): Promise<{
    error?: { code?: string; decline_code?: string; message?: string };
    setupIntent?: Intent;
  }>;
  confirmPayment(options: object): Promise<{
    error?: { code?: string; decline_code?: string; message?: string };
    paymentIntent?: Intent;
  }>;
}
declare global {
  interface Window {
    Stripe?: (key: string) => StripeClient;
  }
}

let loading: Promise<void> | undefined;

export async function mountPaymentElement(
  target: HTMLElement,
  publishableKey: string,
  { clientSecret, savesMethod }: { clientSecret: string; savesMethod: boolean },
  dark: boolean,
) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'https://js.stripe.com/v3/';
    script.onload = () => resolve();
    script.onerror = () =>
      reject(new Error('Stripe’s payment form could not be loaded. Check the connection and reload.'));
    document.head.append(script);
  });
  await loading;
  const stripe = window.Stripe?.(publishableKey);
  if (!stripe) throw new Error('Stripe’s payment form could not be started.');
  const elements = stripe.elements({
    clientSecret,
    appearance: { theme: dark ? 'night' : 'stripe', variables: { borderRadius: '10px' } },
  });
  elements.create('payment').mount(target);
  return {
    async confirm(returnUrl: string) {
      const checked = await elements.submit();
      if (checked.error) return { error: checked.error, verifyUrl: undefined };
      const options = { elements, confirmParams: { return_url: returnUrl }, redirect: 'if_required' };
      const confirmed = savesMethod
        ? await stripe.confirmSetup(options).then(({ error, setupIntent }) => ({ error, intent: setupIntent }))
        : await stripe.confirmPayment(options).then(({ error, paymentIntent }) => ({ error, intent: paymentIntent }));
      return {
        error: confirmed.error,
        verifyUrl: confirmed.intent?.next_action?.verify_with_microdeposits?.hosted_verification_url,
      };
    },
  };
}
