import { z } from 'zod';

/** A client's wish to open a stream, before anything is subscribed. */
export interface StreamRequest {
  /** Channels asked for; may be none, for an authorizer that supplies them. */
  readonly channels: readonly string[];
  /** Request headers; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Cookies by name. */
  readonly cookies: Readonly<Record<string, string | undefined>>;
  /** Address of the socket's peer. */
  readonly ip: string;
  /** The Origin header, if there is one. */
  readonly origin: string | undefined;
}

const ALLOW = z.object({
  allow: z.literal(true),
  /** Who it is, for the log. */
  user: z.string().optional(),
  /** The channels of the stream, if other than those asked for: fewer, more or different ones. */
  channels: z.array(z.string()).readonly().optional(),
});

const DENY = z.object({
  allow: z.literal(false),
  /** 401: not known who it is. 403: known, and not allowed. Both are final for a browser. */
  status: z.literal([401, 403]),
  /** Told to the client. */
  reason: z.string().optional(),
});

/** What an authorizer answers. Anything else counts as its failure, and never opens a stream. */
export const DECISION = z.discriminatedUnion('allow', [ALLOW, DENY]);
export type Decision = Readonly<z.infer<typeof ALLOW>> | Readonly<z.infer<typeof DENY>>;

/** Decides which channels a stream gets. One that throws, or takes over 10 s, counts as "not now": the browser retries. */
export type Authorize = (request: StreamRequest) => Decision | Promise<Decision>;
