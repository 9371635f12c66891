"""./dev demo: the README's requests against the stack that is up, each shown with its answer."""

import json
import sys
import urllib.error
import urllib.request

MODEL = "demo/assistant"


def post(url, key, path, body):
    print(f"\nPOST {path}\n  {json.dumps(body)}")
    request = urllib.request.Request(url + path, data=json.dumps(body).encode(), method="POST",
                                     headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.loads(response.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"./dev demo: {path} answered {error.code}: {error.read().decode()}")
    print(f"  -> {json.dumps(answer)}")
    return answer


def main(folder, _stack):
    url = (folder / "url").read_text().strip()
    key = (folder / "key").read_text().strip()
    file = folder / "demo" / "hello.txt"
    copy = folder / "demo" / "copy.txt"
    copy.unlink(missing_ok=True)

    print("\n1. A read runs by itself, in the middle of the chat.")
    messages = [{"role": "user", "content": f"Read {file} and tell me what it says"}]
    answer = post(url, key, "/v1/chat/completions", {"model": MODEL, "messages": messages})
    if file.read_text().strip() not in (answer["choices"][0]["message"]["content"] or ""):
        sys.exit("./dev demo: the answer does not hold what the file says")

    print("\n2. A write comes back as a suggestion. Nothing has run.")
    messages = [{"role": "user", "content": f"Write hello to {copy}"}]
    suggestion = post(url, key, "/v1/chat/completions", {"model": MODEL, "messages": messages})
    calls = suggestion["choices"][0]["message"].get("tool_calls")
    if not calls or copy.exists():
        sys.exit("./dev demo: the demo model suggested no tool, or it ran")
    messages += suggestion["sluice"]["transcript"]

    print("\n3. You execute it.")
    for call in calls:
        messages.append(post(url, key, "/v1/mcp/tool/execute", call))
    if copy.read_text() != "hello":
        sys.exit("./dev demo: the file was not written")

    print("\n4. You send the conversation on, with the result.")
    answer = post(url, key, "/v1/chat/completions", {"model": MODEL, "messages": messages})
    print(f"\nThe demo model answered: {answer['choices'][0]['message']['content']}")
    return 0
