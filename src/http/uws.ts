import type * as Uws from 'uWebSockets.js';

/**
 * uWebSockets.js, which is native code for certain versions of Node. Where there is none for this one, says what to do.
 * See docs/adr/0001-uwebsockets-package.md.
 */
async function load(): Promise<typeof Uws> {
  if (Number.parseInt(process.versions.node, 10) < 22) {
    throw new Error(`ssemux needs Node 22, and this is ${process.version}`);
  }
  // Read when the binary loads. Its default of 4 KiB is less than cookies and a hundred channels take; beyond it, it answers 431.
  process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(32 * 1024);
  try {
    const module: typeof Uws & { default?: typeof Uws } = await import('uWebSockets.js');
    return module.default ?? module;
  } catch (error) {
    throw new Error(
      `uWebSockets.js has no binary for Node ${process.version} on ${process.platform} ${process.arch} (glibc, no musl). ` +
        'Run ssemux with Node 22; or, for Node 24 and later, install the release of its authors, which has the same API: ' +
        'npm install "uWebSockets.js@github:uNetworking/uWebSockets.js#v20.60.0"',
      { cause: error },
    );
  }
}

export const uws = await load();
