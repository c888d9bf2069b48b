export type { Authorize, Decision, StreamRequest } from './access/authorizer.ts';
export { ConfigError } from './config.ts';
export { createGateway, type Gateway, type GatewayOptions, type GatewayStats } from './gateway.ts';
export type { Log } from './log.ts';
