import { createApp, h, reactive } from "vue";
import { createRouter, createWebHistory, RouterLink, RouterView } from "vue-router";
import { call, session } from "./api.js";
import { Login, Tasks } from "./views.js";

export const state = reactive({ user: "" });

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: "/tasks" },
    { path: "/login", component: Login, meta: { open: true } },
    { path: "/tasks", component: Tasks },
    { path: "/tasks/:id(\\d+)", component: () => import("./detail.js"), props: true },
    { path: "/:rest(.*)*", component: { render: () => h("h1", "Nothing here") }, meta: { open: true } },
  ],
  scrollBehavior: (to, from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
  if (to.meta.open || state.user) return true;
  try {
    const { value } = await call("GET", "/me");
    state.user = value.user;
    session.csrf = value.csrf;
    return true;
  } catch (error) {
    if (error.status !== 401) throw error;
    return { path: "/login", query: { next: to.fullPath } };
  }
});
router.afterEach((to) => {
  document.title = `Tasks ${to.path}`;
});

const App = {
  render: () => [
    h("nav", [h(RouterLink, { to: "/tasks" }, () => "All"), h("span", { id: "user" }, state.user)]),
    h("main", h(RouterView)),
  ],
};
createApp(App).provide("state", state).use(router).mount("#app");
