"""The AWS CLI with a real provider's tokens, in a shell that `treeline env` has set up."""

import json

from shell import Shell
from signed_in import EDITORS_LIST, LIST, id_tokens, protected


def test_the_cli_asks_with_tokens(server, avp, provider, ann, bob, tmp_path):
    shell = Shell(server, tmp_path, flags="--user asker")
    store = protected(avp, id_tokens(provider.issuer), EDITORS_LIST)
    ask = (
        'aws verifiedpermissions is-authorized-with-token --policy-store-id "$STORE"'
        ' --identity-token "$TOKEN" --action actionType=Photos::Action,actionId=list'
        " --resource entityType=Photos::Application,entityId=Photos"
    )
    answer = shell.json(ask, STORE=store, TOKEN=ann["id_token"])
    assert answer["decision"] == "ALLOW"
    assert answer["principal"] == {"entityType": "Photos::User", "entityId": "people|ann"}
    assert shell.json(ask, STORE=store, TOKEN=bob["id_token"])["decision"] == "DENY"
    text = shell.error(ask, STORE=store, TOKEN=ann["id_token"][:-8] + "AAAAAAAA")
    assert "(ValidationException)" in text and "identityToken" in text
    batch = (
        'aws verifiedpermissions batch-is-authorized-with-token --policy-store-id "$STORE"'
        ' --identity-token "$TOKEN" --requests "$REQUESTS"'
    )
    requests = json.dumps([LIST])
    answer = shell.json(batch, STORE=store, TOKEN=ann["id_token"], REQUESTS=requests)
    assert [result["decision"] for result in answer["results"]] == ["ALLOW"]
