/** A file embedded in the executable; the value is its path. */
declare module "*.so" {
  const path: string;
  export default path;
}
