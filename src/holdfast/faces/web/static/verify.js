// Checks with the browser's own WebCrypto that an entry is in the log, and that the log only grows.
// RFC 9162 (tree), C2SP tlog-proof, tlog-checkpoint and signed-note, Ed25519 (RFC 8032).
"use strict";

const hex = bytes => [...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("");
const unhex = text => Uint8Array.from(text.match(/../g) ?? [], pair => parseInt(pair, 16));
const utf8 = bytes => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const coded = text => new TextEncoder().encode(text);

function insist(holds, why) {
  if (!holds) throw new Error(why);
}

function unbase64(text) {
  const found = Uint8Array.from(atob(text), char => char.charCodeAt(0));
  insist(btoa(String.fromCharCode(...found)) === text, "base64 that is not in its one form");
  return found;
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
}

const leafHash = entry => sha256(Uint8Array.of(0), entry);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

// The way up that both proofs of RFC 9162 share (2.1.3.2 step 4, 2.1.4.2 step 5): each hash of the
// path stands left or right of what was reached. Sizes may pass 2^32: no bit operations.
async function climb(fn, sn, path, { left, right }) {
  for (const hash of path) {
    insist(sn > 0, "the proof has too many hashes");
    if (fn % 2 === 1 || fn === sn) {
      await left(hash);
      while (fn > 0 && fn % 2 === 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else await right(hash);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  insist(sn === 0, "the proof has too few hashes");
}

async function rootOf(leaf, index, size, path) {
  insist(index < size, `entry ${index} is not in a tree of ${size}`);
  let root = leaf;
  await climb(index, size - 1, path, {
    left: async hash => { root = await nodeHash(hash, root); },
    right: async hash => { root = await nodeHash(root, hash); },
  });
  return root;
}

// RFC 9162, 2.1.4.2: throws unless the new tree begins with the whole old one.
async function checkContinues(old, now, hashes) {
  if (old.size === now.size || old.size === 0) {
    insist(hashes.length === 0, "no proof is needed, and one came");
    insist(old.size === 0 || old.root === now.root, "two different logs of the same size");
    return;
  }
  const path = [...hashes];
  if (Number.isInteger(Math.log2(old.size))) path.unshift(unhex(old.root));
  insist(path.length > 0, "the proof has too few hashes");
  let fn = old.size - 1, sn = now.size - 1;
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let before = path[0], after = path[0];
  await climb(fn, sn, path.slice(1), {
    left: async hash => { [before, after] = [await nodeHash(hash, before), await nodeHash(hash, after)]; },
    right: async hash => { after = await nodeHash(after, hash); },
  });
  insist(hex(before) === old.root, `the hashes lead to ${hex(before)}, not to the old root ${old.root}`);
  insist(hex(after) === now.root, `the hashes lead to ${hex(after)}, not to the new root ${now.root}`);
}

// A verifier key: name+id+base64(type and key). Only plain Ed25519 (type 1) signs the log's notes.
async function readKey(vkey) {
  const [, name, id, data] = vkey.trim().match(/^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/) ?? [];
  insist(data, "this is no verifier key: it looks like name+01234567+A...");
  const typed = unbase64(data);
  insist(typed.length === 33 && typed[0] === 1, "this is no Ed25519 key: the log's first key is one");
  const own = hex((await sha256(coded(name + "\n"), typed)).slice(0, 4));
  insist(own === id, `the key's id is ${own}, not ${id}: it is damaged`);
  return { name, id, key: await crypto.subtle.importKey("raw", typed.slice(1), "Ed25519", false, ["verify"]) };
}

function readNote(note) {
  const end = note.lastIndexOf("\n\n");
  const [origin, size, root] = note.slice(0, end).split("\n");
  insist(end > 0 && /^(0|[1-9]\d*)$/.test(size) && root, "this is no signed checkpoint");
  insist(Number.isSafeInteger(Number(size)), "a size too large for this browser");
  return { origin, size: Number(size), root: hex(unbase64(root)), text: note.slice(0, end + 1),
    lines: note.slice(end + 2).split("\n").slice(0, -1) };
}

async function checkSigned(note, { name, id, key }) {
  insist(note.origin === name, `the checkpoint is of the log ${note.origin}, the key is of ${name}`);
  let held = 0;
  for (const line of note.lines) {
    const [, signer, data] = line.match(/^\u2014 (\S+) (\S+)$/) ?? [];
    insist(data, "a signature line is malformed");
    const value = unbase64(data);
    if (signer !== name || hex(value.slice(0, 4)) !== id) continue;
    const holds = await crypto.subtle.verify("Ed25519", key, value.slice(4), coded(note.text));
    insist(holds, `the signature by ${name} does not hold: the checkpoint was altered`);
    held += 1;
  }
  insist(held > 0, `the checkpoint bears no signature by ${name}+${id}`);
}

function readProof(text) {
  const end = text.indexOf("\n\n");
  const [head, place, ...hashes] = text.slice(0, end).split("\n");
  insist(end > 0 && head === "c2sp.org/tlog-proof@v1", "this is no tlog-proof@v1");
  const index = (place ?? "").match(/^index (\d+)$/)?.[1];
  insist(index !== undefined, "the proof names no index");
  const path = hashes.map(unbase64);
  insist(path.every(hash => hash.length === 32), "a hash of the proof does not have 32 bytes");
  return { index: Number(index), path, note: text.slice(end + 2) };
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  insist(answer.ok, `${path} answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

// What the page shows of an entry, to be held against the bytes that are proved.
function checkShown(index, text) {
  insist(document.querySelector(`[data-entry="${index}"]`).textContent === text, "the page shows other bytes");
  const record = JSON.parse(text);
  const shown = [...document.querySelectorAll(`[data-fields="${index}"] [data-field]`)];
  insist(shown.length === Object.keys(record).length, "the page shows other fields");
  for (const cell of shown) {
    const value = JSON.stringify(record[cell.dataset.field]);
    insist(JSON.stringify(JSON.parse(cell.textContent)) === value, `the page shows another ${cell.dataset.field}`);
  }
}

const remembered = {
  get: name => { try { return localStorage.getItem(`holdfast.${name}`); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem(`holdfast.${name}`, value); } catch { /* not kept */ } },
};

const keyField = () => document.querySelector("[data-vkey]");

function keyAndSignature(found) {
  return [
    ["Key", async () => {
      found.key = await readKey(keyField().value);
      return ["The key's id fits its name and its bytes", { key: `${found.key.name}+${found.key.id}` }];
    }],
    ["Signature", async () => {
      await checkSigned(found.note, found.key);
      remembered.set(`key.${found.key.name}`, keyField().value.trim());
      return ["That key signed the checkpoint, with Ed25519", { size: found.note.size, root: found.note.root }];
    }],
  ];
}

function entrySteps(index, found) {
  return [
    ["Entry", async () => {
      found.entry = await ask(`/api/log/${index}`);
      checkShown(index, utf8(found.entry));
      return [`Its ${found.entry.length} bytes are what this page shows`, {}];
    }],
    ["Leaf", async () => {
      found.leaf = await leafHash(found.entry);
      return ["SHA-256 of a zero byte and the entry", { leaf: hex(found.leaf) }];
    }],
    ["Proof", async () => {
      found.proof = readProof(utf8(await ask(`/api/log/${index}/proof`)));
      insist(found.proof.index === index, `the proof is of entry ${found.proof.index}`);
      found.note = readNote(found.proof.note);
      return [`From entry ${index} to the root of ${found.note.size} entries: ${found.proof.path.length} hashes on the way`, {}];
    }],
    ...keyAndSignature(found),
    ["Inclusion", async () => {
      const root = hex(await rootOf(found.leaf, index, found.note.size, found.proof.path));
      insist(root === found.note.root, `the hashes lead to ${root}, not to the signed root ${found.note.root}`);
      return ["The leaf and the hashes lead to the signed root: the entry is in the log", { root }];
    }],
  ];
}

function logSteps(found) {
  return [
    ["Checkpoint", async () => {
      found.note = readNote(document.querySelector("[data-note]").textContent);
      return [`The log ${found.note.origin} has ${found.note.size} entries`, { root: found.note.root }];
    }],
    ...keyAndSignature(found),
    ["Continuity", async () => {
      const { origin, size, root } = found.note, now = { size, root, at: Date.now() };
      const last = JSON.parse(remembered.get(`head.${origin}`) ?? "null");
      if (last) {
        const [old, young] = last.size <= size ? [last, now] : [now, last];
        const proof = await ask(`/api/log/consistency?old=${old.size}&new=${young.size}`);
        await checkContinues(old, young, JSON.parse(utf8(proof)).hashes.map(unhex));
      }
      if (!last || last.size <= size) remembered.set(`head.${origin}`, JSON.stringify(now));
      if (!last) return ["This browser had not seen this log before; from now on it remembers this checkpoint", {}];
      const seen = new Date(last.at).toISOString().slice(0, 19).replace("T", " ");
      return [`It continues what this browser saw on ${seen} UTC: ${last.size} entries`, { "root then": last.root }];
    }],
  ];
}

function tell(list, state, title, text, values) {
  const step = list.appendChild(document.createElement("li"));
  step.className = state;
  const glyph = { held: "✓", broken: "✕", unreached: "·" }[state];
  const word = { held: "", broken: "fails: ", unreached: "not reached" }[state];
  step.append(`${glyph} `, Object.assign(document.createElement("strong"), { textContent: title }), ` ${word}${text}`);
  for (const [name, value] of Object.entries(values)) {
    step.append(Object.assign(document.createElement("code"), { textContent: `${name} ${value}` }));
  }
}

async function run(panel) {
  const list = panel.querySelector("[data-steps]"), found = {};
  list.replaceChildren();
  const steps = panel.dataset.verify === "log" ? logSteps(found) : entrySteps(Number(panel.dataset.index), found);
  let broken = false;
  for (const [title, step] of steps) {
    if (broken) { tell(list, "unreached", title, "", {}); continue; }
    try { tell(list, "held", title, ...await step()); }
    catch (error) { broken = true; tell(list, "broken", title, error.message, {}); }
  }
  panel.dataset.result = broken ? "broken" : "held";
}

// Why this browser cannot do it, "" where it can.
async function unable() {
  if (!isSecureContext || !crypto.subtle) return "This page came over plain HTTP from another machine, and so the browser keeps its cryptography from it. Open it by HTTPS or on localhost, or use the command below.";
  try { await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]); return ""; }
  catch { return "This browser's WebCrypto cannot do Ed25519. Use a newer one, or the command below."; }
}

async function begin() {
  const why = await unable(), note = document.querySelector("[data-unable]");
  if (why) { note.hidden = false; note.textContent = why; return; }
  const field = keyField(), shown = field.value;
  const held = remembered.get(`key.${shown.split("+")[0]}`);
  if (held && held !== shown) {
    field.value = held;
    document.querySelector("[data-remembered]").textContent = "This browser remembers another key of this log than the page shows, and uses the remembered one.";
  }
  document.querySelector("[data-key]").hidden = false;
  for (const panel of document.querySelectorAll("[data-verify]")) {
    const button = panel.querySelector("[data-run]");
    button.parentElement.hidden = false;
    button.addEventListener("click", () => run(panel));
    if (panel.dataset.verify === "log" && field.value) run(panel);
  }
}

begin();
