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

export type Decision =
  | {
      readonly allow: true;
      /** Who it is, for the log. */
      readonly user?: string;
      /** The channels of the stream, if other than those asked for: fewer, more or different ones. */
      readonly channels?: readonly string[];
    }
  | {
      readonly allow: false;
      /** 401: not known who it is. 403: known, and not allowed. Both are final for a browser. */
      readonly status: 401 | 403;
      /** Told to the client. */
      readonly reason?: string;
    };

/** Decides which channels a stream gets. One that throws, or takes over 10 s, counts as "not now": the browser retries. */
export type Authorize = (request: StreamRequest) => Decision | Promise<Decision>;
