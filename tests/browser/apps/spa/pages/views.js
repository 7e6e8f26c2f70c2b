import { h, inject, onMounted, reactive, ref } from "vue";
import { RouterLink, useRoute, useRouter } from "vue-router";
import { call, session } from "./api.js";

export const Login = {
  setup() {
    const state = inject("state");
    const [router, route] = [useRouter(), useRoute()];
    const form = reactive({ user: "", password: "", error: "" });
    const send = async (event) => {
      event.preventDefault();
      try {
        const { value } = await call("POST", "/login", { user: form.user, password: form.password });
        session.csrf = value.csrf;
        state.user = value.user;
        router.push(route.query.next ?? "/");
      } catch (error) {
        form.error = error.message;
      }
    };
    const field = (name, type) =>
      h("input", { id: name, type, value: form[name], onInput: (event) => (form[name] = event.target.value) });
    return () =>
      h("form", { onSubmit: send }, [
        field("user", "text"),
        field("password", "password"),
        h("button", "Log in"),
        h("p", { id: "error" }, form.error),
      ]);
  },
};

export const Tasks = {
  setup() {
    const tasks = ref([]);
    const [total, next, text] = [ref(0), ref(""), ref("")];
    const load = async (path) => {
      const { value, headers } = await call("GET", path);
      tasks.value = path === "/tasks" ? value : [...tasks.value, ...value];
      total.value = Number(headers.get("X-Total-Count"));
      next.value = /<([^>]+)>; rel="next"/.exec(headers.get("Link") ?? "")?.[1] ?? "";
    };
    onMounted(() => load("/tasks"));
    const add = async (event) => {
      event.preventDefault();
      await call("POST", "/tasks", { text: text.value });
      text.value = "";
      await load("/tasks");
    };
    return () => [
      h("h1", `${total.value} tasks`),
      h("ul", { id: "tasks" }, tasks.value.map((task) =>
        h("li", { key: task.id, class: { done: task.done } }, h(RouterLink, { to: `/tasks/${task.id}` }, () => task.text)))),
      next.value ? h("button", { id: "more", onClick: () => load(next.value) }, "More") : null,
      h("form", { onSubmit: add }, [
        h("input", { id: "text", value: text.value, onInput: (event) => (text.value = event.target.value) }),
        h("button", { id: "add" }, "Add"),
      ]),
    ];
  },
};
