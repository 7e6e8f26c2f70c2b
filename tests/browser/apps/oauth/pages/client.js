const manager = new oidc.UserManager({
  authority: "https://login.provider.test",
  client_id: "page",
  // As applications write it down, or as they make it of where they are.
  redirect_uri: sessionStorage.computed ? `${location.origin}/callback.html` : "https://app.client.test/callback.html",
  response_type: "code",
  scope: "openid profile offline_access",
  loadUserInfo: true,
  extraQueryParams: { prompt: "consent" },
  userStore: new oidc.WebStorageStateStore({ store: localStorage }),
});
