// Imports run one way: main, commands -> gateway -> http -> access, subscriptions -> sse, broker.

const layer = (name, from, mayNotReach) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: mayNotReach },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@types/' },
    },
    layer('sse-is-a-leaf', '^src/sse/', '^src/(?!sse/|log\\.ts)'),
    layer('broker-knows-only-sse', '^src/broker/', '^src/(?!broker/|sse/|log\\.ts)'),
    layer('subscriptions-below-http', '^src/subscriptions/', '^src/(?!subscriptions/|sse/|broker/|log\\.ts)'),
    layer('access-below-http', '^src/access/', '^src/(?!access/)'),
    layer('http-below-gateway', '^src/http/', '^src/(gateway|main|index|config|commands/|publisher/)'),
    layer(
      'publisher-stands-alone',
      '^src/publisher/',
      '^src/(?!publisher/|broker/(channel|envelope|valkey-url)|sse/frame)',
    ),
    layer(
      'config-only-for-gateway-and-commands',
      '^src/(?!gateway|index|main|config|commands/)',
      '^src/config\\.ts',
    ),
    layer(
      'pure-parts-know-no-adapter',
      '^src/(sse|subscriptions|access)/',
      'node_modules/(uWebSockets\\.js|iovalkey)/',
    ),
    layer('only-http-knows-uws', '^src/(?!http/)', 'node_modules/uWebSockets\\.js/'),
    layer(
      'only-composition-knows-brokers',
      '^src/(?!gateway\\.ts|broker/)',
      '^src/broker/(memory|valkey|valkey-link)\\.ts',
    ),
    layer('src-stands-alone', '^src/', '^(bench|loadtest|scripts|test)/'),
    layer('bench-speaks-http-and-valkey', '^(bench|loadtest)/(?!micro/)', '^src/'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
