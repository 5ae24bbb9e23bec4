// Sets keys of a pool as the agent does:
//   set-pool-keys.ts DIRECTORY POOL COUNT PREFIX

import { PoolStore } from "../../src/services/kvp/pool-store.ts";

const [directory = "", pool = "", count = "", prefix = ""] = process.argv.slice(2);
const store = new PoolStore(directory, (text) => console.error(text));
for (let number = 0; number < Number(count); number += 1) {
  const key = `${prefix} ${number}`;
  store.set(Number(pool), key, "old".repeat(number % 500));
  store.set(Number(pool), key, "new".repeat(number % 600));
  if (number % 10 === 9) {
    store.delete(Number(pool), key);
  }
}
