export const setupDevtoolsPlugin = () => {};
