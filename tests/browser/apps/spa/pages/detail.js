// Loaded by the router when the first task is shown.
import { h, onMounted, ref } from "vue";
import { useRouter } from "vue-router";
import { call } from "./api.js";

export default {
  props: ["id"],
  setup(props) {
    const router = useRouter();
    const task = ref(null);
    const path = `/tasks/${props.id}`;
    onMounted(async () => (task.value = (await call("GET", path)).value));
    const done = async () => (task.value = (await call("PATCH", path, { done: true })).value);
    const remove = async () => {
      await call("DELETE", path);
      router.replace("/tasks");
    };
    return () =>
      task.value && [
        h("h1", { class: { done: task.value.done } }, task.value.text),
        h("p", { id: "url" }, task.value.url),
        h("button", { id: "done", onClick: done }, "Done"),
        h("button", { id: "remove", onClick: remove }, "Remove"),
      ];
  },
};
