/** The bundler turns an imported module file into a function that gives its bytes. */
declare module "*.wasm" {
  const bytes: () => Uint8Array<ArrayBuffer>;
  export default bytes;
}
