mod support;
#[test]
fn dev() {
    let mut files = Vec::new();
    for name in ["openstack.xml", "squid.conf", "iptables.sh", "virtinst-stack01.sh"] {
        let bytes = std::fs::read(support::root().join("../shared/legacy").join(name)).unwrap();
        let f = labrig_legacy::File::read(name, &bytes).unwrap();
        println!("== {name}\n{}", support::findings(std::slice::from_ref(&f)).join("\n"));
        files.push(f);
    }
    println!("== ALL\n{}", support::findings(&files).join("\n"));
}
#[test]
fn import() {
    let mut files = Vec::new();
    for name in ["openstack.xml", "squid.conf", "iptables.sh", "virtinst-stack01.sh"] {
        let bytes = std::fs::read(support::root().join("../shared/legacy").join(name)).unwrap();
        files.push(labrig_legacy::File::read(name, &bytes).unwrap());
    }
    let i = labrig_legacy::import("legacy.toml", &files);
    println!("{}\n{:?}", i.text, i.wrong.map(|w| w.to_string()));
}
