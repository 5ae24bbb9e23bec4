/** Files of packaging/ that are embedded in the executable as text. */
declare module "*.service" {
  const text: string;
  export default text;
}
declare module "*.rules" {
  const text: string;
  export default text;
}
declare module "*.conf" {
  const text: string;
  export default text;
}
declare module "*.init" {
  const text: string;
  export default text;
}
declare module "*.sh" {
  const text: string;
  export default text;
}
declare module "*.hook" {
  const text: string;
  export default text;
}

declare module "*.socket" {
  const text: string;
  export default text;
}
