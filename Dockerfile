# glibc is required: uWebSockets.js has no build for musl, so no Alpine image.
FROM node:22.23.3-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json ./

FROM base AS dependencies
# uWebSockets.js brings a binary per platform and Node version, 130 MB in all. One is used.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force \
  && find node_modules/uWebSockets.js -name '*.node' \
    ! -name "uws_linux_*_$(node -p process.versions.modules).node" -delete

FROM base AS build
# No install scripts: the one that matters downloads Node, and this image has it.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN node --disable-warning=ExperimentalWarning scripts/build.ts

FROM node:22.23.3-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 SSEMUX_LOG_FORMAT=json
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.PORT ?? 8080}/healthz`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The flag is explained in docs/adr/0005-young-generation.md.
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/main.js"]
