"""State: what outlasts a call or a run. Knows no agents, no scripts and no engines.

There are three scopes. An agent's and a workflow's state are tables in the memory of their run (`agents.live_state`);
the global state is a store of keys and values that belongs to the project and outlasts the run. This package holds the
stores and what all scopes share: plain values, paths, access, state machines, their reconstruction from events.

What a store promises, whichever backend keeps it (`store.StateStore`; one suite of tests holds them to it):

* **Atomic.** A commit of several writes happens as a whole or not at all; no reader sees half of one. `update` and
  `compare_and_set` lose nothing, however many processes write.
* **Ordered.** Every change has a version, higher than that of every change before it, in one order for all keys and all
  processes. What a caller asks for in turn happens in that turn; who has seen a change sees no older state afterwards.
* **Durable.** What was acknowledged survives the sudden end of the process (kill -9). A loss of power leaves the store
  whole but may take the last changes with it, unless `[state] fsync = true`; PostgreSQL does as its server is set.
* **Watched.** A watcher is told each change of its prefix once, in order, by whichever process it was made. One that
  falls more than `store.LOG_LENGTH` changes behind is told the newest value of each key instead.
* **Kept for a time.** A value with a `ttl` is gone to every reader once its time is over. That is no change: it has no
  version and is not watched.

| backend | file or server | processes | watch |
|---|---|---|---|
| sqlite (default) | `state.db` in the data folder | any number of one machine | each change within 20 ms |
| rocksdb | `state.rocksdb` in the data folder | one at a time: RocksDB locks its folder | at once |
| postgres | `[state] url` | any number of any machine | at once, by LISTEN and NOTIFY |
"""
