import { onTestFinished } from 'vitest';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway.ts';

/** A gateway inside the test's process, on a free port; closed with the test. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await createGateway({ port: 0, logLevel: 'silent', linger: '0', ...options });
  onTestFinished(() => gateway.close());
  return gateway;
}

/** `POST /publish` of a body, as JSON unless it is text already. */
export function post(
  { url }: { url: string },
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
