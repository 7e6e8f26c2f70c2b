// A login with OAuth: a certified provider at one origin, a page with its client at another.
import { fileURLToPath } from "node:url";
import express from "express";
import Provider from "oidc-provider";

const here = fileURLToPath(new URL(".", import.meta.url));
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
const PROVIDER = "https://login.provider.test";
const CLIENT = "https://app.client.test";

function client(server) {
  const app = express();
  app.use("/lib", express.static(`${modules}/oidc-client-ts/dist/browser`));
  app.use(express.static(`${here}/pages`));
  server.on("request", app);
}

function provider(server, origin) {
  const oidc = new Provider(origin, {
    clients: [
      {
        client_id: "page",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [`${CLIENT}/callback.html`],
        post_logout_redirect_uris: [`${CLIENT}/`],
      },
    ],
    pkce: { required: () => true },
    // Of single-page applications: the token is asked for by script, from its own origin alone.
    clientBasedCORS: (context, asking) => asking === CLIENT,
    claims: { openid: ["sub"], profile: ["name"] },
    scopes: ["openid", "profile", "offline_access"],
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `${id[0].toUpperCase()}${id.slice(1)} of ${origin}` }),
    }),
    cookies: { keys: ["a test's key"] },
    features: { devInteractions: { enabled: true } },
  });
  server.on("request", oidc.callback());
}

export const origins = { [CLIENT]: client, [PROVIDER]: provider };
