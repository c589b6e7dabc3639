extension Nation {
    /// Australia and New Zealand.
    static let oceanian: [Nation] = [
        Nation(
            "AU", "Australia",
            male:
                "Lachlan,Cooper,Flynn,Hamish,Angus,Darcy,Hunter,Mitchell,Riley,Jett,Oscar,Banjo,Bradley,Clayton,Darren,Glen,Heath,Kane,Scott,Wade",
            female:
                "Matilda,Isla,Charlotte,Willow,Ruby,Sienna,Zara,Tahlia,Kylie,Sheree,Narelle,Leanne,Gemma,Harper,Bonnie,Lucinda,Peta,Rhonda,Skye,Tegan",
            last:
                "Smith,Jones,Williams,Brown,Wilson,Taylor,Nguyen,Johnson,Martin,White,Anderson,Walker,Thompson,Chen,Kelly,Harris,Ryan,Robinson,King,Campbell,Fitzgerald,Papadopoulos",
            streets:
                "Wattle St,Banksia Ave,Jacaranda Dr,Kookaburra Ln,Boundary Rd,Esplanade,Beach Rd,Eucalyptus Ct,Railway Pde,Anzac Hwy,George St,Rosella Way,Bluegum Cres,Mitchell St",
            cities:
                "Adelaide,Ballarat,Cairns,Darwin,Geelong,Hobart,Launceston,Mackay,Newcastle,Orange,Perth,Queanbeyan,Rockhampton,Townsville,Wagga Wagga,Wollongong",
            states:
                "Australian Capital Territory,New South Wales,Northern Territory,Queensland,South Australia,Tasmania,Victoria,Western Australia",
            postcode: .number(200...9_999), phones: ["0#-####-####"], cells: ["04##-###-###"], identity: .taxFileNumber),
        Nation(
            "NZ", "New Zealand",
            male: "Jack,Oliver,Nikau,Manaia,Mason,Hunter,Tane,Liam,Wiremu,Blake,Braxton,Quinn,Theo,Leo,Caleb,Finn,Ngaio,Jasper,Rangi,Toby",
            female:
                "Aria,Isla,Maia,Anahera,Charlotte,Amelia,Kaia,Mia,Hazel,Manaaki,Ruby,Paige,Eden,Ngaire,Aroha,Marama,Brooke,Tui,Keira,Zoe",
            last:
                "Smith,Wilson,Williams,Brown,Taylor,Singh,Patel,Walker,Thompson,Ngata,Parata,Te Kanawa,Hughes,Turner,Cooper,Edwards,Morris,Tamihana,Wang,Harris,Clarke,Moore",
            streets:
                "Queen Street,Lambton Quay,Manukau Road,Fendalton Road,Moorhouse Avenue,Old Taupo Road,Rimu Street,Kowhai Avenue,Pohutukawa Drive,Victoria Street,Cuba Street,Marine Parade,Chadwick Road",
            cities:
                "Auckland,Christchurch,Dunedin,Gisborne,Hamilton,Hastings,Invercargill,Napier,Nelson,New Plymouth,Palmerston North,Porirua,Rotorua,Tauranga,Wellington,Whangarei",
            states:
                "Auckland,Bay of Plenty,Canterbury,Gisborne,Hawke's Bay,Manawatu-Wanganui,Marlborough,Nelson,Northland,Otago,Southland,Taranaki,Tasman,Waikato,Wellington,West Coast",
            postcode: .number(10_000...99_998), phones: ["(###)-###-####"], cells: ["(###)-###-####"], identity: nil),
    ]
}
