// Everything fetched goes through here: the token in a header, pictures as object URLs, the last few kept.

const MOST_PICTURES = 300;

class Api {
  constructor(onUnauthorized) {
    this.token = "";
    this.onUnauthorized = onUnauthorized;
    this.pictures = new Map();
  }

  get headers() {
    return { Authorization: `Bearer ${this.token}` };
  }

  async fetchOk(address, signal) {
    const answer = await fetch(address, { headers: this.headers, signal });
    if (answer.status === 401) this.onUnauthorized();
    if (!answer.ok) {
      const words = await answer.json().then((body) => body.error).catch(() => null);
      throw new Error(words || `The server answered ${answer.status}.`);
    }
    return answer;
  }

  async json(address) {
    return (await this.fetchOk(address)).json();
  }

  // Give a picture decoded, to be drawn at once. Whoever asked closes it.
  async bitmap(address, signal) {
    return createImageBitmap(await (await this.fetchOk(address, signal)).blob());
  }

  // Give an object URL of a picture, and the headers it came with.
  picture(address) {
    let promise = this.pictures.get(address);
    if (promise) {
      this.pictures.delete(address);
    } else {
      promise = this.fetchOk(address).then(async (answer) => ({
        url: URL.createObjectURL(await answer.blob()),
        maximum: answer.headers.get("X-Saliency-Maximum"),
      }));
      promise.catch(() => this.pictures.delete(address));
    }
    this.pictures.set(address, promise);
    this.forgetOldest();
    return promise;
  }

  forgetOldest() {
    while (this.pictures.size > MOST_PICTURES) {
      const [address, promise] = this.pictures.entries().next().value;
      this.pictures.delete(address);
      promise.then((picture) => URL.revokeObjectURL(picture.url)).catch(() => {});
    }
  }

  close() {
    for (const promise of this.pictures.values()) {
      promise.then((picture) => URL.revokeObjectURL(picture.url)).catch(() => {});
    }
    this.pictures.clear();
  }
}
