// What a read says, in words, and what becomes of it by a key.

// A comment or a confidence alone is no read yet.
function isRead(read) {
  return Boolean(read && read.disposition && read.disposition !== "withdrawn");
}

function frameWords(read) {
  if (read.disposition === "deferred") return "D";
  if (read.disposition === "excluded") return "X";
  return `${read.disposition === "accepted" ? "✓ " : ""}${read.stage ?? "…"}`;
}

function readWords(read) {
  if (!isRead(read)) return "none yet";
  const said = { accepted: "accepted", corrected: "corrected", staged: "staged", deferred: "deferred", excluded: "excluded" };
  const stage = read.stage && !["deferred", "excluded"].includes(read.disposition) ? `${read.stage} ` : "";
  return `${stage}${said[read.disposition] || ""}`.trim();
}

function readAfter(before, { action, stage, confidence, comment }, call) {
  const read = { stage: null, disposition: "", confidence: null, comment: null, ...(before || {}) };
  if (action === "accept") Object.assign(read, { stage: call, disposition: "accepted" });
  if (action === "stage") {
    const disposition = call === null ? "staged" : stage === call ? "accepted" : "corrected";
    Object.assign(read, { stage, disposition });
  }
  if (action === "defer") read.disposition = "deferred";
  if (action === "exclude") read.disposition = "excluded";
  if (confidence !== null) read.confidence = confidence;
  if (comment !== null) read.comment = comment;
  return read;
}
