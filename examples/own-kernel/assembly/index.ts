// gyre's kernel and one system more. What is exported here with a zone as its first parameter can be called by its name.
export * from "gyre/assembly/index";
export { warm } from "./heat";
